import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { bytes, duration, short, tokens, type Unit, type Units } from '../../shared/pages/amounts.js'
import { LongTable } from '../../shared/pages/longTable.js'
import { Card, Empty, Shown } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { texts } from './texts.js'

interface Session {
  readonly session: number
  readonly endedAt: string
  readonly provider: string
  readonly bytes: string
  readonly downBytes: string
  readonly upBytes: string
  readonly seconds: number
  readonly spent: string
  readonly reason: string
}
interface History {
  readonly sessions: readonly Session[]
  readonly units?: Units
}

const history = signal<Answer<History> | undefined>(undefined)

async function look(): Promise<void> {
  history.value = await read<History>('history')
}

export function HistoryPage() {
  useEffect(() => void look(), [])
  return (
    <Shown of={history.value} again={() => void look()} alone>
      {({ sessions, units }) =>
        sessions.length === 0 ? (
          <Card>
            <Empty title={texts.history.none} />
          </Card>
        ) : (
          <>
            <Totals
              title={texts.history.days}
              name={texts.history.day}
              of={sessions}
              by={({ endedAt }) => endedAt.slice(0, 10)}
              spent={units?.spent}
            />
            <Totals
              title={texts.history.by}
              name={texts.history.columns.provider}
              of={sessions}
              by={({ provider }) => short(provider)}
              spent={units?.spent}
            />
            <Sessions of={sessions} spent={units?.spent} />
          </>
        )
      }
    </Shown>
  )
}

function Totals({
  title,
  name,
  of,
  by,
  spent,
}: {
  title: string
  /** Of the column that it goes by. */
  name: string
  of: readonly Session[]
  by: (one: Session) => string
  spent: Unit | undefined
}) {
  const { columns } = texts.history
  const groups = new Map<string, Session[]>()
  for (const each of of) groups.set(by(each), [...(groups.get(by(each)) ?? []), each])
  const sum = (sessions: readonly Session[], field: 'bytes' | 'spent') =>
    sessions.reduce((total, each) => total + BigInt(each[field]), 0n).toString()
  return (
    <Card title={title}>
      <table>
        <thead>
          <tr>
            <th>{name}</th>
            <th class="number">{columns.traffic}</th>
            <th class="number">{columns.spent}</th>
          </tr>
        </thead>
        <tbody>
          {[...groups].reverse().map(([name, sessions]) => (
            <tr key={name}>
              <td class="unbroken">{name}</td>
              <td class="number">{bytes(sum(sessions, 'bytes'))}</td>
              <td class="number">{tokens(sum(sessions, 'spent'), spent)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  )
}

function Sessions({ of, spent }: { of: readonly Session[]; spent: Unit | undefined }) {
  const { columns } = texts.history
  const [file, setFile] = useState('')
  useEffect(() => {
    const made = csvOf(of)
    setFile(made)
    return () => URL.revokeObjectURL(made)
  }, [of])
  return (
    <section class="card">
      <div class="row apart">
        <h2>{texts.history.title}</h2>
        {file === '' ? null : (
          <a class="button" download="pontage-sessions.csv" href={file}>
            {texts.history.csv}
          </a>
        )}
      </div>
      <LongTable
        of={of.toReversed()}
        keyOf={({ session }) => `${session}`}
        head={
          <>
            <th>{columns.ended}</th>
            <th>{columns.provider}</th>
            <th class="number">{columns.traffic}</th>
            <th class="number">{columns.time}</th>
            <th class="number">{columns.spent}</th>
            <th>{columns.reason}</th>
          </>
        }
      >
        {(each) => (
          <>
            <td data-label={columns.ended}>{each.endedAt.slice(0, 16).replace('T', ' ')}</td>
            <td data-label={columns.provider}>
              <span class="mono" title={each.provider}>
                {short(each.provider)}
              </span>
            </td>
            <td class="number" data-label={columns.traffic}>
              {bytes(each.bytes)}
            </td>
            <td class="number" data-label={columns.time}>
              {duration(each.seconds)}
            </td>
            <td class="number" data-label={columns.spent}>
              {tokens(each.spent, spent)}
            </td>
            <td data-label={columns.reason}>{texts.history.endings[each.reason] ?? each.reason}</td>
          </>
        )}
      </LongTable>
    </section>
  )
}

const fields = [
  'session',
  'endedAt',
  'provider',
  'downBytes',
  'upBytes',
  'bytes',
  'seconds',
  'spent',
  'reason',
] as const

/** No value holds a comma or a quote: numbers, hexadecimal, times, and reasons of one word. */
const csvOf = (sessions: readonly Session[]): string =>
  URL.createObjectURL(
    new Blob(
      [
        [fields.join(','), ...sessions.map((each) => fields.map((field) => each[field]).join(','))].join(
          '\n',
        ),
      ],
      { type: 'text/csv' },
    ),
  )
