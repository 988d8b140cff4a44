import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { tokens, type Units } from '../../shared/pages/amounts.js'
import { Card, Empty, Shown, Tiles } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { Id } from './id.js'
import { now } from './state.js'
import { Table } from './table.js'
import { texts } from './texts.js'

interface Row {
  readonly of: string
  readonly draws: number
  readonly drawn: string
  readonly fees: string
}
interface Earnings {
  readonly rows: readonly Row[]
  readonly total: Row
  readonly units?: Units
}

const byDay = signal<Answer<Earnings> | undefined>(undefined)
const byProvider = signal<Answer<Earnings> | undefined>(undefined)

async function look(): Promise<void> {
  ;[byDay.value, byProvider.value] = await Promise.all([
    read<Earnings>('earningsByDay'),
    read<Earnings>('earningsByProvider'),
  ])
}

export function EarningsPage() {
  useEffect(() => void look(), [])
  return (
    <>
      <Card title={texts.earnings.kept}>
        <Shown of={byDay.value} again={() => void look()}>
          {(found) => <Kept of={found} />}
        </Shown>
      </Card>
      <Card title={texts.earnings.days}>
        <Shown of={byDay.value}>{(found) => <List of={found} name={texts.earnings.day} />}</Shown>
      </Card>
      <Card title={texts.earnings.providers}>
        <Shown of={byProvider.value}>{(found) => <List of={found} name={texts.earnings.provider} />}</Shown>
      </Card>
      <Relays />
    </>
  )
}

function Kept({ of: { rows, total, units } }: { of: Earnings }) {
  const today = new Date().toISOString().slice(0, 10)
  const week = new Date(Date.now() - 6 * 86_400_000).toISOString().slice(0, 10)
  const since = (first: string) =>
    rows
      .filter(({ of }) => of >= first)
      .reduce((sum, { fees }) => sum + BigInt(fees), 0n)
      .toString()
  return (
    <Tiles
      of={[
        [texts.earnings.today, tokens(since(today), units?.fees)],
        [texts.earnings.week, tokens(since(week), units?.fees)],
        [texts.earnings.all, tokens(total.fees, units?.fees)],
      ]}
    />
  )
}

function List({ of: { rows, total, units }, name }: { of: Earnings; name: string }) {
  const { columns } = texts.earnings
  if (rows.length === 0) return <Empty title={texts.earnings.none}>{texts.earnings.noneHint}</Empty>
  return (
    <Table
      rows={[...rows.toReversed(), total].map((row) => ({
        key: row.of,
        cells: [
          { name, value: nameOf(row, row === total) },
          { name: columns.draws, value: row.draws, isNumber: true },
          { name: columns.drawn, value: tokens(row.drawn, units?.drawn), isNumber: true },
          { name: columns.fees, value: tokens(row.fees, units?.fees), isNumber: true },
        ],
      }))}
    />
  )
}

const nameOf = ({ of }: Row, isTotal: boolean) =>
  of.startsWith('0x') ? <Id of={of} /> : <strong>{isTotal ? texts.earnings.all : of}</strong>

function Relays() {
  const is = now.value
  if (is === undefined || is.error !== undefined || !is.running) return null
  return (
    <Card title={texts.relays.title}>
      <div class="stack">
        <p class="soft">{texts.relays.means}</p>
        <Tiles
          of={[
            [texts.relays.sent, is.relays.sent],
            [texts.relays.refused, is.relays.refused],
            [texts.relays.fee, tokens(is.relayFee, is.units?.relayFee)],
          ]}
        />
      </div>
    </Card>
  )
}
