import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { tokens, type Units } from '../../shared/pages/amounts.js'
import { Card, Empty, Shown } from '../../shared/pages/parts.js'
import { type Answer, read } from '../../shared/pages/server.js'
import { until } from './channels.js'
import { Id } from './id.js'
import { Table } from './table.js'
import { texts } from './texts.js'

interface Providers {
  /** Of all that there are; `providers` may be fewer. */
  readonly count: number
  readonly providers: readonly {
    readonly provider: string
    readonly owed: string
    readonly advance: string
    readonly paid: string
    readonly guaranteed: string
    readonly guarantees: number
    readonly guaranteedUntil: number
  }[]
  readonly units?: Units
}

const providers = signal<Answer<Providers> | undefined>(undefined)

async function look(): Promise<void> {
  providers.value = await read<Providers>('providers')
}

export function ProvidersPage() {
  const { columns } = texts.providers
  useEffect(() => void look(), [])
  return (
    <Card>
      <Shown of={providers.value} again={() => void look()}>
        {({ providers: all, count, units }) =>
          all.length === 0 ? (
            <Empty title={texts.providers.none}>{texts.providers.noneHint}</Empty>
          ) : (
            <div class="stack">
              <Table
                rows={all.map((each) => ({
                  key: each.provider,
                  cells: [
                    { name: columns.provider, value: <Id of={each.provider} /> },
                    { name: columns.owed, value: tokens(each.owed, units?.owed), isNumber: true },
                    { name: columns.advance, value: tokens(each.advance, units?.advance), isNumber: true },
                    { name: columns.paid, value: tokens(each.paid, units?.paid), isNumber: true },
                    {
                      ...{ name: columns.guaranteed, isNumber: true },
                      value: tokens(each.guaranteed, units?.guaranteed),
                    },
                    {
                      ...{ name: columns.until, isNumber: true },
                      value: each.guarantees === 0 ? '–' : until(each.guaranteedUntil),
                    },
                  ],
                }))}
              />
              {count > all.length ? (
                <p class="soft small">{texts.providers.others(count - all.length)}</p>
              ) : null}
            </div>
          )
        }
      </Shown>
    </Card>
  )
}
