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
  /** Redeems what there is when the last time was so long ago; undefined: only by amount. */
  readonly everySeconds: number | undefined
  /** Most that gas may cost of what is redeemed, in hundredths of a percent. */
  readonly maxGasShareBps: number
}

/** What redeeming now depends on besides the amount. */
export interface RedeemMoment {
  readonly hubInTrouble: boolean
  /** Exposure to the hub has passed half of its limit. */
  readonly overExposed: boolean
  readonly secondsSinceLast: number
  /** What the transaction would cost, in the token; undefined where the coin's price is not known. */
  readonly gasCost: Wei | undefined
}

export type RedeemReason = 'the hub is not relied on' | 'exposure' | 'amount' | 'schedule'

/**
 * Whether, and why, to redeem: whatever it costs when the hub is leaving or has failed, or we are exposed to it too
 * far; else when the amount is worth its gas, or it is time.
 */
export function whyRedeem(due: Wei, moment: RedeemMoment, rule: RedeemRule): RedeemReason | undefined {
  if (!rule.auto || due === 0n) return undefined
  if (moment.hubInTrouble) return 'the hub is not relied on'
  if (moment.overExposed) return 'exposure'
  const { gasCost, secondsSinceLast } = moment
  if (gasCost !== undefined && gasCost * wholeBps > due * BigInt(rule.maxGasShareBps)) return undefined
  if (due >= rule.above) return 'amount'
  const { everySeconds } = rule
  return everySeconds !== undefined && secondsSinceLast >= everySeconds ? 'schedule' : undefined
}

const wholeBps = 10_000n

/** What so much gas costs in the token: `weiPerCoin` is what one coin (10^18 of its units) is worth. */
export const gasCostOf = (gas: bigint, gasPrice: bigint, weiPerCoin: Wei): Wei =>
  wei((gas * gasPrice * weiPerCoin) / 10n ** 18n)
