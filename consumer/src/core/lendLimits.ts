import {
  type Bytes,
  bytes,
  parseBytes,
  parseTimePrice,
  parseTokens,
  parseTrafficPrice,
  type UnixSeconds,
  unixSeconds,
  type Wei,
} from '@pontage/shared'
import {
  dayOf,
  joinLimits,
  type Left,
  type Limit,
  type Limits,
  leftOf,
  monthOf,
  type Used,
} from './limits.js'

/** Over what a limit of a lending counts: all of its time, or a day or month in UTC. */
type Over = 'lending' | 'day' | 'month'

/** What a lending is held to. */
export interface LendLimits {
  readonly caps: readonly Limit<Bytes, Over>[]
  readonly budgets: readonly Limit<Wei, Over>[]
  /** Bytes a second that are paid for at most; undefined: what the provider offers. */
  readonly rate: bigint | undefined
  readonly maxPrice: Limits['maxPrice']
}

/** The limits as they were typed. */
export interface LendLimitTexts {
  readonly budget: readonly string[]
  readonly cap: readonly string[]
  readonly rate?: string | undefined
  readonly maxPrice: readonly string[]
}

/** Reads them. @param decimals - Of the token. @throws RangeError for what is no limit, or lets nothing through */
export function parseLendLimits(texts: LendLimitTexts, decimals: number): LendLimits {
  if (texts.budget.length === 0)
    throw new RangeError('A --budget is missing: most that the lending may cost, such as 1/day or 10.')
  const prices = texts.maxPrice.map((text): Limits['maxPrice'] =>
    /\/\s*h\s*$/.test(text)
      ? { perHour: parseTimePrice(text, decimals) }
      : { perMegabyte: parseTrafficPrice(text, decimals) },
  )
  return {
    caps: texts.cap.map((text) => over('--cap', text, parseBytes, '1GB/day')),
    budgets: texts.budget.map((text) =>
      over('--budget', text, (amount) => parseTokens(amount, decimals), '1/day'),
    ),
    rate: texts.rate === undefined ? undefined : parseRate(texts.rate),
    maxPrice: joinLimits(prices.map((maxPrice) => ({ maxPrice, caps: [], budgets: [] }))).maxPrice,
  }
}

function over<Amount extends bigint>(
  flag: string,
  text: string,
  parse: (amount: string) => Amount,
  example: string,
): Limit<Amount, Over> {
  const [amount = '', period, ...more] = text.split('/').map((part) => part.trim())
  if (more.length > 0 || (period !== undefined && period !== 'day' && period !== 'month'))
    throw new RangeError(
      `"${text}" is no ${flag}: expected an amount, or one for a day or a month such as ${example}.`,
    )
  const limit: Limit<Amount, Over> = { amount: parse(amount), period: period ?? 'lending' }
  if (limit.amount === (0n as Amount))
    throw new RangeError(`A ${flag} of 0 lets nothing through. Give one such as ${example}.`)
  return limit
}

const bitsIn: Readonly<Record<string, bigint>> = { kbit: 1_000n, mbit: 1_000_000n, gbit: 1_000_000_000n }
/** A provider waits half a minute for a payment; below this a megabyte would come too slowly for that. */
const slowest = 125_000n

/** Reads a speed such as `20Mbit`. @returns Bytes a second. @throws RangeError for another */
export function parseRate(text: string): bigint {
  const match = /^(\d{1,6})\s*([kmg]bit)(?:\/s)?$/i.exec(text.trim())
  const rate = (BigInt(match?.[1] ?? 0) * (bitsIn[match?.[2]?.toLowerCase() ?? ''] ?? 0n)) / 8n
  if (rate < slowest)
    throw new RangeError(`"${text}" is no --rate: expected a speed such as 20Mbit (at least 1Mbit).`)
  return rate
}

/** What a lending cost and carried in all, and on this day and in this month. */
export type LendUsed = Readonly<Record<Over, Used>>

/** The kernel stops that much short of a limit at most: a session for the rest of it would carry nothing. */
export const largestPacket = 65_536n

/** Whether what is left pays for no megabyte, or lets none through. */
export function isUsedUp({ cap, budget }: Left, price: { perMegabyte: bigint } | undefined): boolean {
  if (budget === 0n || (cap !== undefined && cap < largestPacket)) return true
  return budget !== undefined && price !== undefined && budget < price.perMegabyte
}

/**
 * When there may be more again: at the end of the day or month that is used up.
 *
 * @param price - A megabyte's, for which at least it has to be enough; undefined while it is not known.
 * @returns Unix seconds; undefined where it is used up for good.
 */
export function renewedAt(
  limits: Pick<LendLimits, 'caps' | 'budgets'>,
  used: LendUsed,
  now: UnixSeconds,
  price: { perMegabyte: bigint } | undefined,
): UnixSeconds | undefined {
  const nothing = { bytes: bytes(0n), spent: 0n as Wei }
  const would = (renewed: readonly Over[]) =>
    !isUsedUp(
      leftOf(limits, { ...used, ...Object.fromEntries(renewed.map((each) => [each, nothing])) }),
      price,
    )
  if (would(['day'])) return dayAfter(now)
  return would(['day', 'month']) ? monthAfter(now) : undefined
}

const secondsPerDay = 86_400
const dayAfter = (now: UnixSeconds): UnixSeconds =>
  unixSeconds(Date.parse(`${dayOf(now)}T00:00:00Z`) / 1_000 + secondsPerDay)

function monthAfter(now: UnixSeconds): UnixSeconds {
  let next = dayAfter(now)
  while (monthOf(next) === monthOf(now)) next = dayAfter(next)
  return next
}

/** The tighter of two rests. */
export function tighter(one: Left, other: Left): Left {
  const of = <Amount extends bigint>(a: Amount | undefined, b: Amount | undefined) =>
    a === undefined ? b : b === undefined || a < b ? a : b
  return { cap: of(one.cap, other.cap), budget: of(one.budget, other.budget) }
}
