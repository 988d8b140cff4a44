import type { Hex, Result } from '@pontage/shared'
import type { Components } from '../components.js'
import { quoteRelays } from '../relay/relayPrice.js'

/** Who this hub is and what it asks. */
export async function describe(
  components: Components,
  certificate: Hex | undefined,
): Promise<Result<'describe'>> {
  const { identity, chain, ledger, settings } = components
  const { relayFee, guaranteeSeconds } = settings
  const { feeBps } = await ledger.standing()
  return {
    hub: identity.address,
    chainId: chain.deployment.chainId,
    channels: chain.deployment.channels,
    feeBps,
    confirmations: chain.confirmations,
    relayFees: await quoteRelays(components).catch(() => ({
      register: relayFee,
      open: relayFee,
      exit: relayFee,
    })),
    guaranteeSeconds,
    ...(certificate === undefined ? {} : { certificate }),
  }
}
