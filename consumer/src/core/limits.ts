import {
  type Bytes,
  bytes,
  least,
  type UnixSeconds,
  type Wei,
  type WeiPerHour,
  type WeiPerMegabyte,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'

/** Over what a limit counts: one `connect`, with all its sessions, or a calendar month (UTC). */
export type Period = 'connect' | 'month'

/** The most of something over a period. */
export interface Limit<Amount extends bigint, Over extends string = Period> {
  readonly amount: Amount
  readonly period: Over
}

/** What the user set, from whichever source: every one of them holds. */
export interface Limits {
  readonly maxPrice: {
    readonly perMegabyte?: WeiPerMegabyte
    readonly perHour?: WeiPerHour
  }
  readonly caps: readonly Limit<Bytes>[]
  readonly budgets: readonly Limit<Wei>[]
}

/** What flowed and what was signed away over a period. */
export interface Used {
  readonly bytes: Bytes
  readonly spent: Wei
}

/** What still may flow and be spent; undefined where nothing limits it. */
export interface Left {
  readonly cap: Bytes | undefined
  readonly budget: Wei | undefined
}

/** Nothing is limited. */
export const noLimits: Limits = { maxPrice: {}, caps: [], budgets: [] }

/** What one more session may use: the rest of the strictest cap, and of the strictest budget. */
export function leftOf<Over extends string>(
  limits: {
    readonly caps: readonly Limit<Bytes, Over>[]
    readonly budgets: readonly Limit<Wei, Over>[]
  },
  used: Readonly<Record<Over, Used>>,
): Left {
  const rests = <Amount extends bigint>(
    given: readonly Limit<Amount, Over>[],
    of: (used: Used) => bigint,
  ): bigint | undefined =>
    least(
      given.map(({ amount, period }) => {
        const gone = of(used[period])
        return amount > gone ? amount - gone : 0n
      }),
    )
  const cap = rests(limits.caps, (each) => each.bytes)
  const budget = rests(limits.budgets, (each) => each.spent)
  return {
    cap: cap === undefined ? undefined : bytes(cap),
    budget: budget === undefined ? undefined : wei(budget),
  }
}

/** The limits with a budget for this connect; one that the user set stands as it is. */
export const withBudget = (limits: Limits, budget: Wei | undefined): Limits =>
  limits.budgets.length > 0 || budget === undefined
    ? limits
    : { ...limits, budgets: [{ amount: budget, period: 'connect' }] }

/** Reads `500MB` or `10GB/month`. @throws RangeError for another period, or what `parse` throws */
export function parseLimit<Amount extends bigint>(
  text: string,
  parse: (amount: string) => Amount,
): Limit<Amount> {
  const [amount = '', period, ...more] = text.split('/')
  if (more.length > 0 || (period !== undefined && period.trim() !== 'month'))
    throw new RangeError(
      `"${text}" is not a limit: expected an amount, or an amount per month such as ${amount.trim()}/month.`,
    )
  return { amount: parse(amount.trim()), period: period === undefined ? 'connect' : 'month' }
}

/** Decimals in which amounts are read while the token is not known yet; none has more. */
export const exactDecimals = 77

/** Limits that were read before the token was known, in its smallest unit. @throws RangeError for one that is finer */
export function inToken(exact: Limits, decimals: number): Limits {
  const unit = 10n ** BigInt(exactDecimals - decimals)
  const scaled = (amount: bigint): bigint => {
    if (amount % unit === 0n) return amount / unit
    throw new RangeError(`A limit has too many decimals: the token has ${decimals}. Round it.`)
  }
  const { perMegabyte, perHour } = exact.maxPrice
  return {
    maxPrice: {
      ...(perMegabyte === undefined ? {} : { perMegabyte: weiPerMegabyte(scaled(perMegabyte)) }),
      ...(perHour === undefined ? {} : { perHour: weiPerHour(scaled(perHour)) }),
    },
    caps: exact.caps,
    budgets: exact.budgets.map(({ amount, period }) => ({ amount: wei(scaled(amount)), period })),
  }
}

/** Joins limits of several sources: caps and budgets hold together, of the highest prices the lowest. */
export function joinLimits(all: readonly Limits[]): Limits {
  const perMegabyte = least(all.map(({ maxPrice }) => maxPrice.perMegabyte))
  const perHour = least(all.map(({ maxPrice }) => maxPrice.perHour))
  return {
    maxPrice: {
      ...(perMegabyte === undefined ? {} : { perMegabyte }),
      ...(perHour === undefined ? {} : { perHour }),
    },
    caps: all.flatMap(({ caps }) => caps),
    budgets: all.flatMap(({ budgets }) => budgets),
  }
}

/** The day of an instant in UTC, such as `2026-11-30`. */
export const dayOf = (at: UnixSeconds): string => new Date(at * 1_000).toISOString().slice(0, 10)

/** The calendar month of an instant in UTC, such as `2026-11`. */
export const monthOf = (at: UnixSeconds): string => new Date(at * 1_000).toISOString().slice(0, 7)
