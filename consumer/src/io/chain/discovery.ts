import { type Address, address, type Hex, isActive, priceOf, type roles, type Signed } from '@pontage/shared'
import {
  type Chain,
  type KeptLog,
  proposalFrom,
  readOffer,
  readStandings,
  type StandingOnChain,
  type TypedData,
} from '@pontage/shared/node'
import type { Offer, Standing } from '../../core/choose.js'
import { isPresentable } from '../../core/presentable.js'
import { newestLogs } from './logCache.js'

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
    standingsAs(chain, providers, 'provider'),
    Promise.all(providers.map((provider) => readOffer(chain, provider))),
  ])
  return proposals.flatMap((proposal, index) => {
    const standing = standings[index]
    const offer = offers[index]
    if (!standing || !offer?.live || offer.issuedAt !== proposal.issuedAt) return []
    return [{ proposal, price: priceOf(offer), standing }]
  })
}

/** Standing of many identities in one role, in their order. */
export async function standingsAs(
  chain: Chain,
  identities: readonly Address[],
  role: keyof typeof roles,
): Promise<(StandingOnChain & Standing)[]> {
  const found = await readStandings(chain, identities)
  return found.map((standing) => ({ ...standing, active: isActive(standing, role) }))
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
  log: Pick<KeptLog, 'topics' | 'data'>,
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
