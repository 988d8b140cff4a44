import {
  type Bytes,
  bytes,
  bytesPerMegabyte,
  type Wei,
  type WeiPerHour,
  type WeiPerMegabyte,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from './units.js'

const byteUnits: Record<string, bigint> = {
  B: 1n,
  kB: 1_000n,
  KB: 1_000n,
  MB: 1_000_000n,
  GB: 1_000_000_000n,
  TB: 1_000_000_000_000n,
}
const megabytesPer: Record<string, bigint> = { MB: 1n, GB: 1_000n, TB: 1_000_000n }

/** `numerator / denominator` of a decimal number such as `0.05`. */
function decimal(text: string): { numerator: bigint; denominator: bigint } | undefined {
  const match = /^(\d{1,78})(?:\.(\d{1,78}))?$/.exec(text)
  if (!match) return undefined
  const fraction = match[2] ?? ''
  return { numerator: BigInt(`${match[1]}${fraction}`), denominator: 10n ** BigInt(fraction.length) }
}

/**
 * Reads a size as a person types it: `500MB`, `1.5 GB`, `750000B`.
 *
 * @throws RangeError saying what was seen and what is expected.
 */
export function parseBytes(text: string): Bytes {
  const match = /^\s*([\d.]+)\s*([A-Za-z]+)\s*$/.exec(text)
  const number = match?.[1] === undefined ? undefined : decimal(match[1])
  const unit = match?.[2] === undefined ? undefined : byteUnits[match[2]]
  if (!number || !unit || (number.numerator * unit) % number.denominator !== 0n)
    throw new RangeError(
      `"${text}" is not a size: expected a number with B, kB, MB, GB or TB (powers of 1,000), such as 500MB.`,
    )
  return bytes((number.numerator * unit) / number.denominator)
}

/**
 * Reads an amount of whole tokens: `12.5` with 18 decimals is 12.5 × 10^18 wei.
 *
 * @throws RangeError when it is not a number or finer than the token's smallest unit.
 */
export function parseTokens(text: string, decimals: number): Wei {
  const number = decimal(text.trim())
  if (!number) throw new RangeError(`"${text}" is not an amount of tokens: expected a number such as 12.5.`)
  const scaled = number.numerator * 10n ** BigInt(decimals)
  if (scaled % number.denominator !== 0n)
    throw new RangeError(`"${text}" has too many decimals: the token has ${decimals}.`)
  return wei(scaled / number.denominator)
}

/**
 * Reads a price for traffic: `0.05/GB` or `0.0001/MB`, in whole tokens.
 *
 * @throws RangeError when the price a megabyte is not a whole number of wei.
 */
export function parseTrafficPrice(text: string, decimals: number): WeiPerMegabyte {
  const [amount, unit] = text.split('/')
  const megabytes = unit === undefined ? undefined : megabytesPer[unit.trim()]
  if (amount === undefined || megabytes === undefined)
    throw new RangeError(`"${text}" is not a price: expected tokens per MB, GB or TB, such as 0.05/GB.`)
  const total = parseTokens(amount, decimals)
  if (total % megabytes !== 0n)
    throw new RangeError(
      `"${text}" is not a whole number of the token's smallest unit per megabyte: round it.`,
    )
  return weiPerMegabyte(total / megabytes)
}

/** Reads a price for time: `0.01/h`, in whole tokens. @throws RangeError otherwise. */
export function parseTimePrice(text: string, decimals: number): WeiPerHour {
  const [amount, unit] = text.split('/')
  if (amount === undefined || unit?.trim() !== 'h')
    throw new RangeError(`"${text}" is not a price for time: expected tokens per hour, such as 0.01/h.`)
  return weiPerHour(parseTokens(amount, decimals))
}

/** `12.5` for 12.5 × 10^decimals; exact, trailing zeros dropped. */
export function formatTokens(amount: bigint, decimals: number): string {
  const sign = amount < 0n ? '-' : ''
  const digits = (amount < 0n ? -amount : amount).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** What people call a token, and how many decimals it has. */
export interface TokenNames {
  readonly decimals: number
  readonly symbol: string
  /** Shown beside it; left out: nothing. */
  readonly fiat?: Fiat
}

/** A currency, and what one whole token is worth in it, as a decimal number. */
export interface Fiat {
  readonly currency: string
  readonly rate: string
}

/** `12.5 PTT`, or `12.5 PTT (11.50 EUR)` where a currency is shown as well. @param per - Such as `/GB` */
export const amountText = (amount: bigint, token: TokenNames, per = ''): string =>
  `${formatTokens(amount, token.decimals)} ${token.symbol}${per}${fiatText(amount, token, per)}`

/** Cents, and two digits that count of what is less than one. */
function fiatText(amount: bigint, { decimals, fiat }: TokenNames, per: string): string {
  if (fiat === undefined) return ''
  const rate = decimal(fiat.rate)
  if (!rate)
    throw new RangeError(`"${fiat.rate}" is not what a token is worth: expected a number such as 0.92.`)
  const billionths = (amount * rate.numerator * 1_000_000_000n) / (rate.denominator * 10n ** BigInt(decimals))
  const value = Number(billionths) / 1e9
  const shown = value === 0 || Math.abs(value) >= 0.01 ? value.toFixed(2) : value.toPrecision(2)
  return ` (${shown.includes('e') ? value.toFixed(9) : shown} ${fiat.currency}${per})`
}

/** `0.05 PTT/GB` for a price per megabyte. */
export const formatTrafficPrice = (price: WeiPerMegabyte, token: TokenNames): string =>
  amountText(price * 1_000n, token, '/GB')

/** `0.01 PTT/h` for a price per hour. */
export const formatTimePrice = (price: WeiPerHour, token: TokenNames): string =>
  amountText(price, token, '/h')

/** `0.05 PTT/GB + 0.01 PTT/h`, or without the second where time costs nothing. */
export const formatPrice = (perMegabyte: WeiPerMegabyte, perHour: WeiPerHour, token: TokenNames): string =>
  `${formatTrafficPrice(perMegabyte, token)}${perHour === 0n ? '' : ` + ${formatTimePrice(perHour, token)}`}`

/** `31.42 MB`: two digits after the point, rounded down, SI units. */
export function formatBytes(size: bigint): string {
  const units = ['kB', 'MB', 'GB', 'TB'] as const
  let scale = 1_000n
  let name: string = units[0]
  for (const next of units.slice(1)) {
    if (size < scale * 1_000n) break
    scale *= 1_000n
    name = next
  }
  if (size < 1_000n) return `${size} B`
  const hundredths = (size * 100n) / scale
  return `${hundredths / 100n}.${(hundredths % 100n).toString().padStart(2, '0')} ${name}`
}

/** Whole megabytes begun by `used` bytes. */
export const megabytesBegun = (used: Bytes): bigint => (used + bytesPerMegabyte - 1n) / bytesPerMegabyte

/** Decimals of the chain's own coin, which gas is paid in. */
export const coinDecimals = 18

/** How many of something there are, in words: `countOf(1, 'hub')` is `1 hub`, `countOf(2, 'hub')` is `2 hubs`. */
export const countOf = (count: number | bigint, noun: string): string =>
  `${count} ${noun}${Number(count) === 1 ? '' : 's'}`
