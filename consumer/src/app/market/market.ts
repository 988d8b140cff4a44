import { type Address, address, wei } from '@pontage/shared'
import { type Chain, createTypedData, type Log, readAccounts, UserError } from '@pontage/shared/node'
import type { ExpectedUse, Offer } from '../../core/choose.js'
import type { Limits } from '../../core/limits.js'
import { isIn, type Listed, type Order, type Rated, sorted, wanted } from '../../core/listing.js'
import { ownQualities } from '../../core/quality.js'
import { checkedOffers, readOffers, standingsAs } from '../../io/chain/discovery.js'
import { readJournal } from '../../io/home/journal.js'
import { readHubIndex } from '../../io/link/hubIndex.js'
import { measureLatencies } from '../../io/link/latency.js'

/** What is looked for. */
export interface Search {
  readonly country: string | undefined
  readonly maxPrice: Limits['maxPrice']
  /** Address or url of a hub whose list is read instead of the chain's events, and whose word on quality is taken. */
  readonly index: string | undefined
  readonly sort: Order
  /** What offers are compared by. */
  readonly use: ExpectedUse
  /** So many are listed, and asked whatever each is asked for. */
  readonly limit: number
  /** Whether the latency of each that is listed is measured. */
  readonly latency: boolean
}

/** What was found: how many, and those that come first. By latency: the cheapest, the nearest of them first. */
export interface Found {
  readonly count: number
  readonly listed: readonly Listed[]
}

/**
 * Who offers what was looked for. Offers, prices and standing are as the chain has them, whoever listed them.
 *
 * @throws UserError when the index does not answer.
 */
export async function search(home: string, chain: Chain, log: Log, asked: Search): Promise<Found> {
  const typedData = createTypedData(chain.deployment)
  const index =
    asked.index === undefined
      ? undefined
      : await readHubIndex(typedData, await hubNamed(chain, asked.index), log)
  const offers = index
    ? await checkedOffers(
        chain,
        index.proposals.filter((each) => typedData.check('Proposal', each, each.provider).ok),
      )
    : await readOffers(home, chain, typedData, (proposal) => isIn(proposal, asked.country))
  const own = ownQualities((await readJournal(home)).receipts())
  const found = wanted(offers, asked).map((offer) => ({
    ...offer,
    quality: index?.quality.get(offer.proposal.provider) ?? own(offer.proposal.provider),
  }))
  const isByLatency = asked.sort === 'latency' && asked.latency
  const first = sorted(found, asked.sort, asked.use).slice(0, asked.limit)
  const listed = await described(chain, first, asked.latency)
  return { count: found.length, listed: isByLatency ? sorted(listed, 'latency', asked.use) : listed }
}

async function described(chain: Chain, offers: readonly Rated[], latency: boolean): Promise<Listed[]> {
  const [redeemed, latencies] = await Promise.all([
    readRedeemed(chain, offers),
    latency ? measureLatencies(offers.map(({ proposal }) => proposal)) : undefined,
  ])
  return offers.map((offer, position) => ({
    ...offer,
    redeemed: wei(redeemed.get(offer.proposal.provider) ?? 0n),
    latencyMs: latencies === undefined ? null : latencies[position],
  }))
}

/** Paid out to each provider, through the hubs its offer names. */
async function readRedeemed(chain: Chain, offers: readonly Offer[]): Promise<Map<Address, bigint>> {
  const sums = new Map<Address, bigint>()
  for (const hub of new Set(offers.flatMap(({ proposal }) => proposal.hubs))) {
    const providers = offers.map(({ proposal }) => proposal).filter(({ hubs }) => hubs.includes(hub))
    const accounts = await readAccounts(
      chain,
      hub,
      providers.map(({ provider }) => provider),
    )
    for (const [position, { provider }] of providers.entries())
      sums.set(provider, (sums.get(provider) ?? 0n) + (accounts[position]?.paid ?? 0n))
  }
  return sums
}

/** @throws UserError for a hub that is not registered. */
async function hubNamed(chain: Chain, index: string): Promise<{ url: string; address?: Address }> {
  if (/^wss?:\/\//.test(index)) return { url: index }
  const hub = address(index)
  const [standing] = await standingsAs(chain, [hub], 'hub')
  if (standing === undefined || standing.url === '')
    throw new UserError(`${hub} is not registered as a hub on this chain. Check --index.`)
  return { url: standing.url, address: hub }
}
