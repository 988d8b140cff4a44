import {
  type Address,
  address,
  type Hex,
  priceOf,
  printable,
  type Signed,
  unixSeconds,
  wei,
} from '@pontage/shared'
import { type Chain, pricesFrom, proposalFrom, type TypedData } from '@pontage/shared/node'
import type { Offer, Standing } from '../../core/choose.js'
import { isPresentable } from '../../core/presentable.js'
import { type KeptLog, newestLogs } from './logCache.js'

/** Role bits of the registry that discovery asks about. */
type Role = 'provider' | 'hub' | 'consumer'
const roleBit: Record<Role, number> = { consumer: 1, provider: 2, hub: 4 }

/** Identities asked about in one call. */
const standingsInCall = 100

/**
 * Every standing offer on chain: the latest proposal of each provider whose signature holds, with the
 * provider's standing and the price in force. Needs nothing but the chain; what was read of it before is
 * remembered in the home.
 */
export async function readOffers(home: string, chain: Chain, typedData: TypedData): Promise<Offer[]> {
  return checkedOffers(chain, await publishedProposals(home, chain, typedData))
}

/**
 * Holds proposals against the chain, wherever they are from: left out is what is withdrawn, replaced by one not
 * seen yet, not what the provider published, or not fit to be shown.
 */
export async function checkedOffers(chain: Chain, found: readonly Signed<'Proposal'>[]): Promise<Offer[]> {
  const proposals = found.filter(isPresentable)
  const providers = proposals.map(({ provider }) => provider)
  const [standings, offers] = await Promise.all([
    readStandings(chain, providers, 'provider'),
    Promise.all(providers.map((provider) => chain.marketplace.offerOf(provider))),
  ])
  return proposals.flatMap((proposal, index) => {
    const standing = standings[index]
    const offer = offers[index]
    if (!standing || !offer?.live || Number(offer.issuedAt) !== proposal.issuedAt) return []
    return [{ proposal, price: priceOf(pricesFrom(offer)), standing }]
  })
}

/** Standing of many identities in one role, in their order. */
export async function readStandings(
  { registry }: Chain,
  identities: readonly Address[],
  role: Role,
): Promise<(Standing & { url: string; nonce: bigint })[]> {
  const found = []
  for (let start = 0; start < identities.length; start += standingsInCall)
    found.push(...(await registry.standingsOf(identities.slice(start, start + standingsInCall))))
  return found.map((standing) => ({
    active: (Number(standing.activeRoles) & roleBit[role]) !== 0,
    stake: wei(standing.stake),
    faults: Number(standing.faults),
    debt: wei(standing.debt),
    registeredAt: unixSeconds(Number(standing.registeredAt)),
    url: urlOf(standing),
    nonce: standing.nonce,
  }))
}

/** Empty where the text is none, or one that no url looks like: a stranger wrote it. */
function urlOf(standing: { readonly url: string }): string {
  try {
    return printable(standing.url) === standing.url ? standing.url : ''
  } catch {
    return '' // Bytes that are no UTF-8.
  }
}

async function publishedProposals(
  home: string,
  chain: Chain,
  typedData: TypedData,
): Promise<Signed<'Proposal'>[]> {
  const { marketplace, deployment } = chain
  const published = marketplace.getEvent('ProposalPublished').fragment.topicHash
  const withdrawn = marketplace.getEvent('ProposalWithdrawn').fragment.topicHash
  const query = { name: 'proposals', contract: deployment.marketplace, topics: [[published, withdrawn]] }
  return (await newestLogs(home, chain, query)).flatMap(
    (log) => proposalIn(marketplace.interface, typedData, log) ?? [],
  )
}

/** The offer in one event; undefined where there is none. One that cannot be read hides no other. */
export function proposalIn(
  events: Chain['marketplace']['interface'],
  typedData: TypedData,
  log: KeptLog,
): Signed<'Proposal'> | undefined {
  try {
    const event = events.parseLog({ topics: [...log.topics], data: log.data })
    if (event?.name !== 'ProposalPublished') return undefined
    const provider = address(event.args.provider)
    const signature = event.args.signature.toLowerCase() as Hex
    const proposal = { ...proposalFrom(event.args.proposal), signature }
    // An offer somebody else wrote is no offer.
    return proposal.provider === provider && typedData.check('Proposal', proposal, provider).ok
      ? proposal
      : undefined
  } catch {
    return undefined // Texts that are no UTF-8, or values out of range.
  }
}
