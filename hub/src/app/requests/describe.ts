import type { Hex, Result } from '@pontage/shared'
import type { Parts } from '../components.js'
import { quoteRelays } from '../relay/relayPrice.js'

/** Who this hub is and what it asks. */
export async function describe(parts: Parts, certificate: Hex | undefined): Promise<Result<'describe'>> {
  const { identity, chain, ledger, settings } = parts
  const { relayFee, guaranteeSeconds } = settings
  const { feeBps } = await ledger.standing()
  return {
    hub: identity.address,
    chainId: chain.deployment.chainId,
    channels: chain.deployment.channels,
    feeBps,
    confirmations: chain.confirmations,
    relayFees: await quoteRelays(parts).catch(() => ({ register: relayFee, open: relayFee, exit: relayFee })),
    guaranteeSeconds,
    ...(certificate === undefined ? {} : { certificate }),
  }
}
