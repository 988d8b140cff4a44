import type { HttpRoute } from '../../io/link/httpRoutes.js'
import type { Components } from '../components.js'

/** `GET /about`: which hub this is, of which contracts, and what its amounts count. */
export const aboutRoute =
  ({ identity, chain, ledger }: Components): HttpRoute =>
  async () => {
    const { chainId, channels, registry, marketplace } = chain.deployment
    const { feeBps } = await ledger.standing()
    const token = { symbol: chain.tokenSymbol, decimals: chain.tokenDecimals }
    return {
      status: 200,
      body: { hub: identity.address, chainId, channels, registry, marketplace, token, feeBps },
    }
  }
