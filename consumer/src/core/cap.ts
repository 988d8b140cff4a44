import { type Bytes, bytes, bytesCovered, owedFor, type Price, smaller, type Wei, wei } from '@pontage/shared'
import type { Left } from './limits.js'
import type { Guaranteed } from './session.js'

/** Hours of an hourly price that are guaranteed at once where a session is limited by bytes. */
const guaranteedHours = 24n
const secondsPerHour = 3_600n

/** Traffic that a connect may use where the user set no cap: what its budget is reckoned from. */
export const defaultCap = bytes(10_000_000_000n)

/**
 * Most that one connect may cost where the user set no budget: its cap at the chosen price, and a day of an hourly
 * price. Zero where the provider asks nothing.
 */
export const defaultBudget = (cap: Bytes | undefined, price: Price): Wei =>
  owedFor(cap ?? defaultCap, guaranteedHours * secondsPerHour, price)

/**
 * What to ask the hub to stand behind for one session, on top of what was promised before.
 *
 * @param cap - The user's limit, if there is one; else as much as the provider suggests.
 * @param budget - Most that may be spent.
 * @param free - What the channel holds beyond everything already promised.
 * @returns Wei; never more than `budget` or `free`.
 */
export function ceilingToRequest(session: {
  cap: Bytes | undefined
  budget: Wei | undefined
  price: Price
  suggested: Wei
  free: Wei
}): Wei {
  const { cap, budget, price, suggested, free } = session
  const wanted = cap === undefined ? suggested : owedFor(cap, guaranteedHours * secondsPerHour, price)
  return smaller(wanted, budget === undefined ? free : smaller(budget, free))
}

/**
 * Bytes after which the kernel lets nothing more through: the user's cap, or what the guarantee pays for if
 * that is less. Undefined when nothing limits the session.
 */
export function byteLimit(cap: Bytes | undefined, guaranteed: Wei, price: Price): Bytes | undefined {
  const affordable = bytesCovered(guaranteed, 0n, price)
  if (cap === undefined) return affordable
  return affordable === undefined || cap < affordable ? cap : affordable
}

/**
 * The next ceiling of a guarantee that is nearly used up.
 *
 * @param session.base - Total promised before the session.
 * @param session.step - By how much it grows: what the provider suggested at first.
 * @param session.most - Total that the channel can stand for towards this provider.
 * @returns Not above `ceiling` where channel or budget allow no more.
 */
export function raisedCeiling(session: {
  base: Wei
  ceiling: Wei
  step: Wei
  budget: Wei | undefined
  most: Wei
}): Wei {
  const { base, ceiling, step, budget, most } = session
  const wanted = smaller(wei(ceiling + step), most)
  return budget === undefined ? wanted : smaller(wanted, wei(base + budget))
}

/** What a ceiling allows within the user's limits: bytes for the kernel, and whose limit is the tighter. */
export function whatIsGuaranteed(session: { base: Wei; ceiling: Wei; left: Left; price: Price }): Guaranteed {
  const { base, ceiling, left, price } = session
  const limit = byteLimit(left.cap, wei(ceiling - base), price)
  const ceilingIs = wei(ceiling - base) === left.budget ? 'budget' : 'ceiling'
  return {
    ceiling,
    ceilingIs,
    limit,
    limitedBy: limit !== undefined && limit === left.cap ? 'cap' : ceilingIs,
  }
}

/** Whether so much cannot pay for the first megabyte. */
export const isTooLittle = (free: Wei, price: Price): boolean =>
  free === 0n || byteLimit(undefined, free, price) === 0n

/** Bytes that still may flow. */
export const capLeft = (limit: Bytes, used: Bytes): Bytes => bytes(limit > used ? limit - used : 0n)

/** What the channel holds beyond every promise that was signed on it and not drawn yet. */
export function freeCollateral(
  balance: Wei,
  totals: readonly { readonly signed: Wei; readonly drawn: Wei }[],
): Wei {
  const open = totals.reduce((sum, { signed, drawn }) => sum + (signed > drawn ? signed - drawn : 0n), 0n)
  return wei(balance > open ? balance - open : 0n)
}
