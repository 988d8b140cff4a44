import type { Wei } from '@pontage/shared'

/** A protest whose window is over. */
export interface RipeProtest {
  readonly protested: Wei
  readonly drawn: Wei
  /** What the channel still holds. */
  readonly balance: Wei
  /** Whether the channel is on its way to its end, which waits for its protests. */
  readonly isEnding: boolean
}

/**
 * Decides whether the hub settles a protest: when its fee on what comes is more than the gas, or when the channel
 * cannot end before. Anybody may settle one, so nobody loses when the hub does not.
 *
 * @param cost - What the transaction costs, in the token.
 */
export function isWorthSettling(
  { protested, drawn, balance, isEnding }: RipeProtest,
  feeBps: number,
  cost: Wei,
): boolean {
  const wanted = protested > drawn ? protested - drawn : 0n
  const comes = wanted < balance ? wanted : balance
  return isEnding || (comes * BigInt(feeBps)) / 10_000n > cost
}
