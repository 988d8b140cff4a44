import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { tokens } from '../../shared/pages/amounts.js'
import { Card, Empty, Shown } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { type Channels, until } from './channels.js'
import { Id } from './id.js'
import { Table } from './table.js'
import { texts } from './texts.js'

/** How often they are read again while somebody looks. */
const everyMs = 20_000

const urgent = signal<Answer<Channels> | undefined>(undefined)

async function look(): Promise<void> {
  urgent.value = await read<Channels>('urgent')
}

/** Who leaves and who protests, and until when the hub has to draw what it holds. @param changed - Read anew when it differs */
export function Deadlines({ changed }: { changed: unknown }) {
  useEffect(() => {
    void look()
    const timer = setInterval(() => document.hidden || void look(), everyMs)
    return () => clearInterval(timer)
  }, [changed])
  return (
    <Card title={texts.deadlines.title}>
      <Shown of={urgent.value} again={() => void look()}>
        {(found) => {
          const due = dueOf(found)
          if (due.length === 0) return <Empty title={texts.deadlines.none}>{texts.deadlines.noneHint}</Empty>
          const { columns } = texts.deadlines
          return (
            <div class="stack">
              <p class="soft">{texts.deadlines.means}</p>
              <Table
                rows={due.map((each) => ({
                  key: each.key,
                  cells: [
                    { name: columns.what, value: <strong>{each.what}</strong> },
                    { name: columns.who, value: <Id of={each.who} /> },
                    { name: columns.channel, value: <Id of={each.channelId} /> },
                    { name: columns.amount, value: each.amount, isNumber: true },
                    { name: columns.due, value: <time>{until(each.at)}</time>, isNumber: true },
                  ],
                }))}
              />
            </div>
          )
        }}
      </Shown>
    </Card>
  )
}

/** Exits and protests, the next first. */
function dueOf({ channels: all, units }: Channels) {
  return all
    .flatMap(({ channelId, consumer, exitAt, balance, providers }) => [
      ...(exitAt > 0
        ? [
            {
              ...{ key: channelId, what: texts.deadlines.exit, who: consumer, channelId, at: exitAt },
              amount: tokens(balance, units?.balance),
            },
          ]
        : []),
      ...providers
        .filter(({ protestEndsAt }) => protestEndsAt > 0)
        .map(({ provider, protested, protestEndsAt }) => ({
          ...{ key: `${channelId}${provider}`, what: texts.deadlines.protest, who: provider, channelId },
          at: protestEndsAt,
          amount: tokens(protested, units?.protested),
        })),
    ])
    .toSorted((one, other) => one.at - other.at)
}
