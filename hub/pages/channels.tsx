import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import { duration, tokens, type Units } from '../../shared/pages/amounts.js'
import { Card, Empty, Field, Shown } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { Id } from './id.js'
import { heardAt } from './state.js'
import { Table } from './table.js'
import { texts } from './texts.js'

interface Channel {
  readonly channelId: string
  readonly consumer: string
  readonly balance: string
  readonly reserved: string
  readonly exitAt: number
  readonly closing: boolean
  readonly providers: readonly {
    readonly provider: string
    readonly protested: string
    readonly protestEndsAt: number
  }[]
}
export interface Channels {
  /** Of all that there are; `channels` may be fewer. */
  readonly count: number
  readonly channels: readonly Channel[]
  readonly units?: Units
}

const channels = signal<Answer<Channels> | undefined>(undefined)

async function look(): Promise<void> {
  channels.value = await read<Channels>('channels')
}

export function ChannelsPage() {
  const [sought, setSought] = useState('')
  useEffect(() => void look(), [])
  return (
    <Card>
      <Shown of={channels.value} again={() => void look()}>
        {({ channels: all, count, units }) => {
          if (all.length === 0) return <Empty title={texts.channels.none}>{texts.channels.noneHint}</Empty>
          const found = all.filter(({ consumer, channelId }) => `${consumer} ${channelId}`.includes(sought))
          return (
            <div class="stack">
              <Field
                label={texts.channels.search}
                type="search"
                value={sought}
                onInput={(event) => setSought(event.currentTarget.value.trim().toLowerCase())}
              />
              <p class="soft small" aria-live="polite">
                {texts.channels.count(found.length, all.length)}
              </p>
              <List of={found} units={units} />
              {count > all.length ? (
                <p class="soft small">{texts.channels.others(count - all.length)}</p>
              ) : null}
            </div>
          )
        }}
      </Shown>
    </Card>
  )
}

function List({ of, units }: { of: readonly Channel[]; units: Units }) {
  const { columns } = texts.channels
  return (
    <Table
      rows={of.map((each) => ({
        key: each.channelId,
        cells: [
          { name: columns.channel, value: <Id of={each.channelId} /> },
          { name: columns.consumer, value: <Id of={each.consumer} /> },
          { name: columns.balance, value: tokens(each.balance, units?.balance), isNumber: true },
          { name: columns.reserved, value: tokens(each.reserved, units?.reserved), isNumber: true },
          { name: columns.providers, value: each.providers.length, isNumber: true },
          { name: columns.state, value: <State of={each} /> },
        ],
      }))}
    />
  )
}

function State({ of: { closing, exitAt } }: { of: Channel }) {
  if (closing) return <span class="pill">{texts.channels.closing}</span>
  if (exitAt === 0) return <span class="pill good">{texts.channels.open}</span>
  return <span class="pill warn">{texts.channels.exits(until(exitAt))}</span>
}

/** `2 h 5 min`, or that it is over. */
export function until(seconds: number): string {
  const left = seconds - heardAt.value / 1_000
  return left > 0 ? texts.in(duration(left)) : texts.over
}
