import type { Clock, Hex, Result } from '@pontage/shared'
import type { Components } from '../components.js'
import { quoteRelays, sameForAll } from '../relay/relayPrice.js'

/** Milliseconds that fees are shown before they are asked for again: anybody may ask, and each look asks the chain. */
const quotesLastMs = 10_000

/** Tells who this hub is and what it asks. */
export function createDescribe(
  components: Components,
  certificateNow: () => Hex | undefined,
): () => Promise<Result<'describe'>> {
  const { identity, chain, ledger, settings, clock } = components
  const { relayFee, guaranteeSeconds } = settings
  const quotes = lasting(quotesLastMs, clock, () => quoteRelays(components))
  return async () => {
    const certificate = certificateNow()
    return {
      hub: identity.address,
      chainId: chain.deployment.chainId,
      channels: chain.deployment.channels,
      feeBps: (await ledger.standing()).feeBps,
      confirmations: chain.confirmations,
      relayFees: await quotes().catch(() => sameForAll(relayFee)),
      guaranteeSeconds,
      ...(certificate === undefined ? {} : { certificate }),
    }
  }
}

/** Reads again only after a while; whoever asks meanwhile shares what was read. What failed is read again at once. */
function lasting<Value>(forMs: number, clock: Clock, read: () => Promise<Value>): () => Promise<Value> {
  let last: { readonly value: Promise<Value>; readonly atMs: number } | undefined
  return () => {
    const atMs = clock.elapsedMs()
    if (last && atMs - last.atMs < forMs) return last.value
    const reading = { value: read(), atMs }
    last = reading
    reading.value.catch(() => {
      if (last === reading) last = undefined
    })
    return reading.value
  }
}
