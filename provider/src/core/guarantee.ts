import {
  type Address,
  type Document,
  type Hex,
  refuse,
  type UnixSeconds,
  type Verdict,
  type Wei,
} from '@pontage/shared'

/** What is expected of a guarantee that just came from a hub. */
export interface GuaranteeExpected {
  readonly hub: Address
  readonly provider: Address
  readonly channelId: Hex
  /** It has to reach beyond what is promised already. */
  readonly above: Wei
  /** Time of the chain's newest block. */
  readonly now: UnixSeconds
  /** Longest life that a draw still accepts, in seconds. */
  readonly maxGuaranteeSeconds: number
}

/** Decides whether a guarantee, its signature checked, can be relied on. */
export function judgeGuarantee(guarantee: Document<'Guarantee'>, expected: GuaranteeExpected): Verdict {
  const unsound = (problem: string) => refuse({ code: 'hub-unsound', hub: expected.hub, problem })
  if (guarantee.provider !== expected.provider)
    return unsound(`its guarantee is for provider ${guarantee.provider}`)
  if (guarantee.channelId !== expected.channelId)
    return unsound(`its guarantee is for channel ${guarantee.channelId}`)
  if (guarantee.expiresAt <= expected.now)
    return unsound(`its guarantee expired at ${guarantee.expiresAt}, and the chain is at ${expected.now}`)
  if (guarantee.expiresAt > expected.now + expected.maxGuaranteeSeconds)
    return unsound(
      `its guarantee expires at ${guarantee.expiresAt}, later than the contract allows (${expected.maxGuaranteeSeconds} s from ${expected.now})`,
    )
  if (guarantee.ceiling <= expected.above)
    return unsound(
      `its guarantee covers ${guarantee.ceiling} wei, but ${expected.above} wei is already promised`,
    )
  return { ok: true }
}

/** Whether less than half of a guarantee's life is left: time to have it renewed, or to draw without the hub. */
export const isPastHalf = (
  guarantee: { readonly receivedAt: UnixSeconds; readonly expiresAt: number },
  now: UnixSeconds,
): boolean => now - guarantee.receivedAt >= guarantee.expiresAt - now

/** Longest time, in seconds, that is kept for drawing at the end of a guarantee. */
const maxReserve = 120

/**
 * Whether so little of a guarantee's life is left that it has to do for drawing: promises taken later might never
 * come to the chain in time.
 */
export function isNearlyOver(
  guarantee: { readonly receivedAt: UnixSeconds; readonly expiresAt: number },
  now: UnixSeconds,
): boolean {
  const life = guarantee.expiresAt - guarantee.receivedAt
  return guarantee.expiresAt - now <= Math.min(maxReserve, Math.floor(life / 4))
}
