import { type Address, isActive, priceOf, type roles, type Signed } from '@pontage/shared'
import {
  type Chain,
  readOffer,
  readStandings,
  type StandingOnChain,
  type TypedData,
} from '@pontage/shared/node'
import type { Offer, Standing } from '../../core/choose.js'
import { isPresentable } from '../../core/presentable.js'
import { publishedProposals } from './proposals.js'

/**
 * Every standing offer on chain: the latest proposal of each provider whose signature holds, with the
 * provider's standing and the price in force. Needs nothing but the chain; what was read of it before is
 * remembered in the home.
 *
 * @param isWanted - Of others nothing is asked; left out: of none.
 */
export async function readOffers(
  home: string,
  chain: Chain,
  typedData: TypedData,
  isWanted: (proposal: Signed<'Proposal'>) => boolean = () => true,
): Promise<Offer[]> {
  const [head, published] = await Promise.all([chain.head(), publishedProposals(home, chain, typedData)])
  const found = published.filter(({ proposal }) => isPresentable(proposal) && isWanted(proposal))
  const [standings, prices] = await Promise.all([
    standingsAs(
      chain,
      found.map(({ proposal }) => proposal.provider),
      'provider',
    ),
    Promise.all(
      found.map(async ({ proposal, effectiveAt }) =>
        priceOf(effectiveAt > head.at ? await readOffer(chain, proposal.provider) : proposal),
      ),
    ),
  ])
  return found.flatMap(({ proposal }, index) => {
    const [standing, price] = [standings[index], prices[index]]
    return standing && price ? [{ proposal, price, standing }] : []
  })
}

/** The hubs that offers name, one time for each offer that does. */
export async function hubsNamed(home: string, chain: Chain, typedData: TypedData): Promise<Address[]> {
  const published = await publishedProposals(home, chain, typedData)
  return published.flatMap(({ proposal: { hubs } }) => [...new Set(hubs)])
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
