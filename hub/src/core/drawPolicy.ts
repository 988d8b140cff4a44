import { type Address, type Hex, type Wei, wei } from '@pontage/shared'
import { type Pool, poolFree } from './solvency.js'

/** A promise the hub holds that is worth more than what was drawn of it. */
export interface Undrawn {
  readonly channelId: Hex
  readonly provider: Address
  readonly amount: Wei
  readonly drawn: Wei
  /** What its channel still holds: from an empty one nothing can be drawn. */
  readonly balance: Wei
  /**
   * When its channel's collateral may go elsewhere: to its consumer, who is leaving, or to anybody who protests.
   * Undefined while neither is under way.
   */
  readonly collateralUntil: number | undefined
  /** When the last guarantee for it ends; zero when none was given. */
  readonly guaranteedUntil: number
}

/** What makes it worth a transaction. */
export interface DrawPolicy {
  /** Wei undrawn in all, from which a draw is worth its gas. */
  readonly drawAbove: Wei
  /** Lifetime of the guarantees that the hub gives. */
  readonly guaranteeSeconds: number
}

/** The moment that is decided for. */
export interface DrawMoment {
  /** By the clock of the chain. */
  readonly now: number
  /** When the draws of late were sent that were not worth their gas, the last one last. */
  readonly smallDrawsAt: readonly number[]
  /** Whether somebody waits for the pool to be relieved. */
  readonly forced: boolean
}

/** What is known of all promises without a look at each. */
export interface DrawSums {
  /** What the pool would have to advance if every provider redeemed now. */
  readonly owed: Wei
  /** What could be drawn. */
  readonly undrawn: Wei
  /** Whether a channel is being left or protested. */
  readonly urgent: boolean
  readonly pool: Pool
}

/** Whether promises are to be drawn that nothing presses: all are worth their gas together, or the pool needs them. */
export const drawsAll = (
  sums: DrawSums,
  policy: Pick<DrawPolicy, 'drawAbove'>,
  moment: DrawMoment,
): boolean => {
  const isPoolLow = sums.owed * 2n > poolFree(sums.pool)
  return isWorthGas(sums.undrawn, policy) || ((moment.forced || isPoolLow) && mayRelieve(moment))
}

/** Promises in one transaction: more would not fit a block everywhere. */
export const drawsInBatch = 40

/**
 * Chooses from these what to draw now, the best first: everything once it is worth its gas or the pool runs low, else only what
 * may soon find its channel empty. What is worth less than its gas is drawn by deadlines, so that nobody can make the
 * hub send a transaction for each of many small promises.
 */
export function planDraws<Order extends Undrawn>(
  undrawn: readonly Order[],
  sums: DrawSums,
  policy: DrawPolicy,
  moment: DrawMoment,
): readonly Order[] {
  const waiting = undrawn.filter(({ amount, drawn, balance }) => amount > drawn && balance > 0n)
  const chosen =
    drawsAll(sums, policy, moment) || isWorthGas(worthOf(waiting), policy)
      ? waiting
      : waiting.filter((order) => isDue(order, policy, moment))
  return [...chosen].sort(
    (a, b) => endOf(a) - endOf(b) || (worth(b) > worth(a) ? 1 : worth(b) < worth(a) ? -1 : 0),
  )
}

/** What a draw brings in: no more than its channel holds. */
const worth = ({ amount, drawn, balance }: Undrawn): bigint =>
  amount - drawn < balance ? amount - drawn : balance

/** What drawing these brings in. */
export const worthOf = (orders: readonly Undrawn[]): Wei =>
  wei(orders.reduce((total, order) => total + worth(order), 0n))

/** Whether drawing so much is worth a transaction. */
export const isWorthGas = (amount: Wei, { drawAbove }: Pick<DrawPolicy, 'drawAbove'>): boolean =>
  amount > 0n && amount >= drawAbove

/** Small draws for the pool's sake are this many seconds apart: whoever clears single units brings about no more. */
const reliefs = { most: 10, inSeconds: 300 }

/** Whether one more small draw may be sent for the pool's sake. */
export const mayRelieve = ({ now, smallDrawsAt }: Pick<DrawMoment, 'now' | 'smallDrawsAt'>): boolean =>
  smallDrawsAt.filter((at) => at > now - reliefs.inSeconds).length < reliefs.most

const endOf = ({ collateralUntil }: Undrawn): number => collateralUntil ?? Number.MAX_SAFE_INTEGER

/** Seconds between small draws once an end is past that nobody brought about. */
const afterEndSeconds = 60

/**
 * Whether a promise on a channel that is being left or protested must be drawn now: a quarter of a guarantee's life
 * before its guarantee ends, a whole one before the collateral may go elsewhere. Small draws follow each other only
 * after half of the time left, so there are few of them before any end, and always one more.
 */
function isDue(
  { collateralUntil, guaranteedUntil }: Undrawn,
  { guaranteeSeconds }: DrawPolicy,
  { now, smallDrawsAt }: DrawMoment,
): boolean {
  if (collateralUntil === undefined) return false
  const sinceLast = now - (smallDrawsAt.at(-1) ?? Number.NEGATIVE_INFINITY)
  const presses = (end: number, margin: number): boolean => {
    const left = end - now
    return left <= margin && sinceLast >= (left > 0 ? left / 2 : afterEndSeconds)
  }
  return (
    presses(collateralUntil, guaranteeSeconds) ||
    (guaranteedUntil > now && presses(guaranteedUntil, guaranteeSeconds / 4))
  )
}
