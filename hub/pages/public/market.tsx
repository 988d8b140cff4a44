import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { tokens, type Unit } from '../../../shared/pages/amounts.js'
import { Card, Empty, Shown, Tiles } from '../../../shared/pages/parts.js'
import type { Answer } from '../../../shared/pages/server.js'
import { Id } from '../id.js'
import { Table } from '../table.js'
import { about, ask, unitOf } from './ask.js'
import { texts } from './texts.js'

interface Market {
  readonly offers: number
  readonly sessions: number
  readonly paid: string
  readonly sellers: number
  readonly herfindahl: number
  readonly beneficiaries: readonly {
    readonly beneficiary: string
    readonly providers: number
    readonly paid: string
    readonly share: number
  }[]
}

const market = signal<Answer<Market & { readonly unit: Unit }> | undefined>(undefined)

async function look(): Promise<void> {
  const [found, hub] = await Promise.all([ask<Market>('/market'), about()])
  market.value =
    found.error !== undefined ? found : hub.error !== undefined ? hub : { ...found, unit: unitOf(hub) }
}

export function MarketPage() {
  useEffect(() => void look(), [])
  return (
    <Shown of={market.value} again={() => void look()}>
      {(found) => (
        <>
          <Card title={texts.market.concentration}>
            <div class="stack">
              <p class="soft">{texts.market.means}</p>
              <Tiles
                of={[
                  [texts.market.offers, found.offers],
                  [texts.market.sellers, found.sellers],
                  [texts.market.paid, tokens(found.paid, found.unit)],
                  [texts.market.sessions, found.sessions],
                  [
                    texts.market.index,
                    found.herfindahl === 0 ? '–' : texts.market.equal(1 / found.herfindahl),
                  ],
                ]}
              />
            </div>
          </Card>
          <Card title={texts.market.shares}>
            <Sellers of={found} />
          </Card>
        </>
      )}
    </Shown>
  )
}

function Sellers({ of: { beneficiaries, unit } }: { of: Market & { readonly unit: Unit } }) {
  const { columns } = texts.market
  if (beneficiaries.length === 0) return <Empty title={texts.market.none}>{texts.market.noneHint}</Empty>
  return (
    <Table
      rows={beneficiaries.map(({ beneficiary, providers, paid, share }) => ({
        key: beneficiary,
        cells: [
          { name: columns.seller, value: <Id of={beneficiary} /> },
          { name: columns.share, value: <Share of={share} /> },
          { name: columns.paid, value: tokens(paid, unit), isNumber: true },
          { name: columns.providers, value: providers, isNumber: true },
        ],
      }))}
    />
  )
}

function Share({ of }: { of: number }) {
  const percent = `${(100 * of).toFixed(of < 0.1 ? 1 : 0)} %`
  return (
    <span class="share">
      <svg class="bar thin" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect class="all" width="100" height="10" />
        <rect class="spare" width={100 * of} height="10" />
      </svg>
      {percent}
    </span>
  )
}
