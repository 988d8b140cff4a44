import { explain, type Verdict } from '@pontage/shared'
import type { Chain } from '@pontage/shared/node'
import { askedFrom } from '../../core/listing.js'
import type { HttpAnswer, HttpRoute } from '../../io/link/httpRoutes.js'
import type { Market } from './market.js'

/**
 * `GET /proposals?country=DE`: the offers on chain with the standing of their providers. Each names the event it
 * was taken from; signature, event and standing can all be looked up on the chain, at the block that is named.
 */
export const proposalsRoute =
  (chain: Chain, market: Market): HttpRoute =>
  async (query) => {
    const asked = askedFrom(query)
    return answer(chain, asked.ok ? await market.proposals(asked.asked) : asked)
  }

/** `GET /market`: how concentrated the market is. */
export const marketRoute =
  (chain: Chain, market: Market): HttpRoute =>
  async () =>
    answer(chain, await market.concentration())

function answer(chain: Chain, verdict: Verdict<{ value: object }>): HttpAnswer {
  if (!verdict.ok) {
    const status = verdict.refusal.code === 'index-not-ready' ? 503 : 400
    return { status, body: { error: explain(verdict.refusal) } }
  }
  const { chainId, registry, marketplace } = chain.deployment
  return { status: 200, body: { chainId, registry, marketplace, ...verdict.value } }
}
