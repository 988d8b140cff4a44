import type { Document } from './documents.js'
import { megabytesBegun } from './quantity.js'
import {
  type Bytes,
  bytes,
  bytesPerMegabyte,
  type Wei,
  type WeiPerHour,
  type WeiPerMegabyte,
  wei,
} from './units.js'

/** What a session costs, fixed by its signed terms. */
export interface Price {
  readonly perMegabyte: WeiPerMegabyte
  readonly perHour: WeiPerHour
}

/** The price that a signed document states. */
export const priceOf = (document: PriceFields): Price => ({
  perMegabyte: document.pricePerMegabyte,
  perHour: document.pricePerHour,
})

/** A price as the fields of a document: the inverse of {@link priceOf}. */
export const priceFields = (price: Price): PriceFields => ({
  pricePerMegabyte: price.perMegabyte,
  pricePerHour: price.perHour,
})

type PriceFields = Pick<Document<'SessionTerms'>, 'pricePerMegabyte' | 'pricePerHour'>

/** Whole seconds in an hour. */
const secondsPerHour = 3_600n

/**
 * Wei owed for a session so far. A megabyte is owed in full once it begins, time by the whole second.
 *
 * @param used - Bytes metered since the session opened, both directions.
 * @param seconds - Whole seconds the session has been forwarding.
 * @returns Cumulative wei; never falls while `used` and `seconds` grow.
 *
 * @example
 * owedFor(bytes(2_500_000n), 0n, { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(0n) }) // 120n
 */
export function owedFor(used: Bytes, seconds: bigint, price: Price): Wei {
  return wei(megabytesBegun(used) * price.perMegabyte + (seconds * price.perHour) / secondsPerHour)
}

/**
 * The bytes a paid amount covers: the inverse of {@link owedFor}, for a provider's quota.
 * With a free megabyte nothing limits the bytes, so it returns undefined.
 */
export function bytesCovered(paid: Wei, seconds: bigint, price: Price): Bytes | undefined {
  if (price.perMegabyte === 0n) return undefined
  const forTime = (seconds * price.perHour) / secondsPerHour
  const forBytes = paid > forTime ? paid - forTime : 0n
  return bytes((forBytes / price.perMegabyte) * bytesPerMegabyte)
}

/** Hub's share of a running total: `fee(t) = ⌊t · bps / 10,000⌋` (docs/protocol.md, Draw). */
export const feeOn = (total: Wei, feeBps: number): Wei => wei((total * BigInt(feeBps)) / 10_000n)

/** What of a running total reaches the provider. */
export const netOf = (total: Wei, feeBps: number): Wei => wei(total - feeOn(total, feeBps))
