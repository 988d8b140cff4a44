import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { bytes, short, tokens } from '../../shared/pages/amounts.js'
import { Card, Empty, Shown } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import type { Earnings, EarningsRow } from './earned.js'
import { texts } from './texts.js'

const byDay = signal<Answer<Earnings> | undefined>(undefined)
const byHub = signal<Answer<Earnings> | undefined>(undefined)

async function look(): Promise<void> {
  ;[byDay.value, byHub.value] = await Promise.all([
    read<Earnings>('earningsByDay'),
    read<Earnings>('earningsByHub'),
  ])
}

export function EarningsPage() {
  useEffect(() => void look(), [])
  return (
    <>
      <Card title={texts.earnings.days}>
        <Shown of={byDay.value} again={() => void look()}>
          {(found) => <Table of={found} name={texts.earnings.day} />}
        </Shown>
      </Card>
      <Card title={texts.earnings.hubs}>
        <Shown of={byHub.value} again={() => void look()}>
          {(found) => <Table of={found} name={texts.earnings.hub} />}
        </Shown>
      </Card>
    </>
  )
}

function Table({ of: { rows, total, units }, name }: { of: Earnings; name: string }) {
  const { columns } = texts.earnings
  if (rows.length === 0) return <Empty title={texts.earnings.none} />
  const cells = (row: EarningsRow): readonly (readonly [string, string | number])[] => [
    [columns.sessions, row.sessions],
    [columns.traffic, bytes(row.bytes)],
    [columns.promised, tokens(row.promised, units?.promised)],
    [columns.drawn, tokens(row.drawn, units?.drawn)],
    [columns.redeemed, tokens(row.redeemed, units?.redeemed)],
    [columns.gas, tokens(row.gasPaid, units?.gasPaid)],
  ]
  return (
    <div class="scroll">
      <table class="cards">
        <thead>
          <tr>
            <th>{name}</th>
            {Object.values(columns).map((each) => (
              <th class="number" key={each}>
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...rows.toReversed(), total].map((row) => (
            <tr key={row.of}>
              <td data-label={name}>
                <strong>{row.of.startsWith('0x') ? short(row.of) : row.of}</strong>
              </td>
              {cells(row).map(([label, value]) => (
                <td class="number" key={label} data-label={label}>
                  {value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
