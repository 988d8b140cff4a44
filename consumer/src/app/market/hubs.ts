import type { Address, Wei } from '@pontage/shared'
import { type Chain, createTypedData, hubsOfChain, readHub } from '@pontage/shared/node'
import { whyHubUnsound } from '../../core/hubs.js'
import { hubsNamed, standingsAs } from '../../io/chain/discovery.js'

/** A hub as the chain knows it. */
export interface ListedHub {
  readonly hub: Address
  readonly url: string
  readonly stake: Wei
  readonly faults: number
  readonly debt: Wei
  readonly pool: Wei
  /** What it keeps of what it draws for providers, in 1/10,000. */
  readonly feeBps: number
  /** Providers whose offers name it. */
  readonly providers: number
  /** Why nobody should pay through it; null when nothing is against it. */
  readonly problem: string | null
}

/** The hubs that any offer names, or the network lists: those with the most providers first, and good ones before others. */
export async function listHubs(home: string, chain: Chain): Promise<ListedHub[]> {
  const named = await hubsNamed(home, chain, createTypedData(chain.deployment))
  const hubs = [...new Set([...named, ...hubsOfChain(chain.deployment.chainId)])]
  const [standings, views] = await Promise.all([
    standingsAs(chain, hubs, 'hub'),
    Promise.all(hubs.map((hub) => readHub(chain, hub))),
  ])
  return hubs
    .flatMap((hub, index): ListedHub[] => {
      const [standing, view] = [standings[index], views[index]]
      if (!standing || !view || standing.url === '') return []
      const { url, stake, faults, debt } = standing
      return [
        {
          ...{ hub, url, stake, faults, debt, pool: view.pool, feeBps: view.feeBps },
          providers: named.filter((each) => each === hub).length,
          problem: whyHubUnsound(standing) ?? null,
        },
      ]
    })
    .sort((a, b) => Number(a.problem !== null) - Number(b.problem !== null) || b.providers - a.providers)
}
