import { signal } from '@preact/signals'
import { useEffect, useState } from 'preact/hooks'
import {
  country,
  day,
  speed,
  timePrice,
  tokens,
  trafficPrice,
  type Unit,
} from '../../../shared/pages/amounts.js'
import { Card, Empty, Field, Shown } from '../../../shared/pages/parts.js'
import type { Answer } from '../../../shared/pages/server.js'
import { Id } from '../id.js'
import { Table } from '../table.js'
import { about, ask, unitOf } from './ask.js'
import { texts } from './texts.js'

interface Listed {
  readonly proposal: {
    readonly provider: string
    readonly country: string
    readonly pricePerMegabyte: string
    readonly pricePerHour: string
  }
  readonly standing: { readonly stake: string; readonly faults: number; readonly registeredAt: number }
  readonly quality: { readonly throughputKbps: number | null; readonly score: number | null }
}
interface Offers {
  readonly proposals: readonly Listed[]
  readonly next?: string
}

const offers = signal<Answer<Offers & { readonly unit: Unit }> | undefined>(undefined)

/** Reads the next page of offers, after what is shown. */
async function more(): Promise<void> {
  const before = offers.value?.error === undefined ? offers.value : undefined
  const cursor = before?.next === undefined ? '' : `&cursor=${encodeURIComponent(before.next)}`
  const [found, hub] = await Promise.all([ask<Offers>(`/proposals?limit=100${cursor}`), about()])
  if (found.error !== undefined) offers.value = found
  else if (hub.error !== undefined) offers.value = hub
  else
    offers.value = {
      ...found,
      proposals: [...(before?.proposals ?? []), ...found.proposals],
      unit: unitOf(hub),
    }
}

export function OffersPage() {
  const [sought, setSought] = useState('')
  useEffect(() => {
    if (offers.value === undefined) void more()
  }, [])
  return (
    <Card>
      <Shown of={offers.value} again={() => void more()}>
        {({ proposals, next, unit }) =>
          proposals.length === 0 ? (
            <Empty title={texts.offers.none}>{texts.offers.noneHint}</Empty>
          ) : (
            <div class="stack">
              <p class="soft">{texts.offers.means}</p>
              <Field
                label={texts.offers.search}
                type="search"
                value={sought}
                onInput={(event) => setSought(event.currentTarget.value.trim().toLowerCase())}
              />
              <List of={proposals.filter((each) => isSought(each, sought))} unit={unit} />
              {next === undefined ? null : (
                <div>
                  <button type="button" onClick={() => void more()}>
                    {texts.offers.more}
                  </button>
                </div>
              )}
            </div>
          )
        }
      </Shown>
    </Card>
  )
}

const isSought = ({ proposal }: Listed, sought: string): boolean =>
  `${country(proposal.country)} ${proposal.country} ${proposal.provider}`.toLowerCase().includes(sought)

function List({ of, unit }: { of: readonly Listed[]; unit: Unit }) {
  const { columns } = texts.offers
  if (of.length === 0) return <Empty title={texts.offers.noMatch} />
  return (
    <Table
      rows={of.map(({ proposal, standing, quality }) => {
        const perHour = timePrice(proposal.pricePerHour, unit)
        const number = (name: string, value: string | number) => ({ name, value, isNumber: true })
        return {
          key: proposal.provider,
          cells: [
            { name: columns.country, value: <strong>{country(proposal.country)}</strong> },
            { name: columns.provider, value: <Id of={proposal.provider} /> },
            number(columns.price, trafficPrice(proposal.pricePerMegabyte, unit)),
            number(columns.hour, perHour === '' ? '–' : perHour),
            number(
              columns.speed,
              quality.throughputKbps === null ? '–' : speed((quality.throughputKbps * 1_000) / 8),
            ),
            number(columns.score, quality.score === null ? '–' : texts.offers.score(quality.score)),
            number(columns.stake, tokens(standing.stake, unit, 2)),
            number(columns.since, day(standing.registeredAt)),
            number(columns.faults, standing.faults),
          ],
        }
      })}
    />
  )
}
