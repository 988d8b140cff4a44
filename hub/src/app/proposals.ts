import { encodeMessage, explain, roles } from '@pontage/shared'
import type { Chain } from '@pontage/shared/node'
import { countryOf, type Entry } from '../core/listing.js'
import type { HttpAnswer, HttpRoute } from '../io/httpRoutes.js'
import type { Listing, ProposalIndex } from '../io/proposalIndex.js'

/**
 * `GET /proposals?country=DE`: the offers on chain with the standing of their providers. Each names the event it
 * was taken from; signature, event and standing can all be looked up on the chain, at the block that is named.
 */
export function proposalsRoute(chain: Chain, index: ProposalIndex): HttpRoute {
  let of: Listing | undefined
  const pages = new Map<string | undefined, string>()

  return (query): HttpAnswer => {
    const asked = countryOf(query)
    if (!asked.ok) return { status: 400, body: { error: explain(asked.refusal) } }
    const listing = index.listing()
    if (!listing)
      return {
        status: 503,
        body: { error: 'The offers are still being read from the chain. Ask again in a moment.' },
      }
    if (listing !== of) {
      of = listing
      pages.clear()
    }
    const { country } = asked
    // One text for each country there is: however often it is asked, it is made once a block.
    const known = pages.get(country)
    const text = known ?? pageOf(chain, listing, country)
    if (known === undefined) pages.set(country, text)
    return { status: 200, body: text, contentType: 'application/json' }
  }
}

function pageOf(chain: Chain, { block, entries }: Listing, country: string | undefined): string {
  const { chainId, registry, marketplace } = chain.deployment
  const chosen = entries.filter(
    ({ proposal }) => country === undefined || proposal.country.toUpperCase() === country,
  )
  return `${encodeMessage({ chainId, registry, marketplace, block, proposals: chosen.map(shown) })}\n`
}

const shown = ({ proposal, effectiveAt, inForce, published, standing }: Entry) => {
  const { activeRoles, ...rest } = standing
  return {
    proposal,
    effectiveAt,
    ...(inForce ? { inForce } : {}),
    published,
    standing: { ...rest, active: (activeRoles & roles.provider) !== 0 },
  }
}
