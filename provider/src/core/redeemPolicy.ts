import { netOf, refuse, type Verdict, type Wei, wei } from '@pontage/shared'

/** One channel in a hub's total: what the hub took, and what the chain has drawn. */
export interface ClearedChannel {
  readonly cleared: Wei
  readonly drawn: Wei
}

/**
 * The least total a hub may promise after a clear: what is credited on chain, and the net of everything it took
 * that is not drawn yet (docs/protocol.md, Clear). All figures of one block.
 */
export function leastHubTotal(credited: Wei, channels: readonly ClearedChannel[], feeBps: number): Wei {
  let total: bigint = credited
  for (const { cleared, drawn } of channels)
    if (cleared > drawn) total += netOf(cleared, feeBps) - netOf(drawn, feeBps)
  return wei(total)
}

/** Accepts a hub's total only when it covers what is due. */
export function judgeHubTotal(total: Wei, least: Wei): Verdict {
  return total >= least ? { ok: true } : refuse({ code: 'promise-too-low', total, expected: least })
}

/** What a redemption would pay now: `max(T, C) − D`. */
export function redeemable(promised: Wei, account: { readonly credited: Wei; readonly paid: Wei }): Wei {
  const total = promised > account.credited ? promised : account.credited
  return total > account.paid ? wei(total - account.paid) : wei(0n)
}

/** What decides when to redeem. */
export interface RedeemRule {
  readonly auto: boolean
  /** Smallest amount worth a transaction. */
  readonly above: Wei
}

/** Whether to redeem: when it is worth it, and whatever the amount when the hub is leaving or has failed. */
export function shouldRedeem(due: Wei, hubInTrouble: boolean, rule: RedeemRule): boolean {
  if (!rule.auto || due === 0n) return false
  return hubInTrouble || due >= rule.above
}
