import type { Address, Hex, Wei } from '@pontage/shared'
import { type Account, advanceNeeded, type Pool, poolFree } from './solvency.js'

/** A promise the hub holds that is worth more than what was drawn of it. */
export interface Undrawn {
  readonly channelId: Hex
  readonly provider: Address
  readonly amount: Wei
  readonly drawn: Wei
  /** Its channel is being left, protested or about to be: it must not wait. */
  readonly urgent: boolean
}

/** What makes it worth a transaction. */
export interface DrawPolicy {
  /** Wei undrawn in all, from which a draw is worth its gas. */
  readonly drawAbove: Wei
}

/** Whether `planDraws` could choose anything at all, told from sums that need no look at each promise. */
export const mayDraw = (
  sums: { readonly owed: Wei; readonly undrawn: Wei; readonly urgent: boolean; readonly pool: Pool },
  { drawAbove }: DrawPolicy,
): boolean =>
  sums.urgent || (sums.undrawn > 0n && (sums.undrawn >= drawAbove || sums.owed * 2n > poolFree(sums.pool)))

/** Promises in one transaction: more would not fit a block everywhere. */
export const drawsInBatch = 40

/**
 * Chooses what to draw now: everything once it is worth it or the pool runs low, else only what is urgent.
 *
 * @param forced - Whether somebody waits for the pool to be relieved.
 */
export function planDraws(
  undrawn: readonly Undrawn[],
  accounts: readonly Account[],
  pool: Pool,
  policy: DrawPolicy,
  forced: boolean,
): readonly Undrawn[] {
  const waiting = undrawn.filter(({ amount, drawn }) => amount > drawn)
  const sum = waiting.reduce((total, { amount, drawn }) => total + amount - drawn, 0n)
  const poolIsLow = advanceNeeded(accounts) * 2n > poolFree(pool)
  const all = forced || (sum > 0n && sum >= policy.drawAbove) || poolIsLow
  const chosen = all ? waiting : waiting.filter(({ urgent }) => urgent)
  // The most urgent first, then what brings in most, so that a cut batch is the best one.
  return [...chosen]
    .sort((a, b) => Number(b.urgent) - Number(a.urgent) || (worth(b) > worth(a) ? 1 : -1))
    .slice(0, drawsInBatch)
}

const worth = ({ amount, drawn }: Undrawn): bigint => amount - drawn
