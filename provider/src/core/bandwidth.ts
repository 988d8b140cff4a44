/** Bits in a second. */
export type BitsPerSecond = bigint

/** How fast consumers may be, each way; undefined: as fast as the machine is. */
export interface BandwidthLimits {
  /** All of them together. */
  readonly total: BitsPerSecond | undefined
  readonly session: BitsPerSecond | undefined
}

const units: Readonly<Record<string, bigint>> = {
  kbit: 1_000n,
  mbit: 1_000_000n,
  gbit: 1_000_000_000n,
}
/** Below this not even the payment of what it forwards is worth the trouble; above it no line is. */
const slowest = 100_000n
const fastest = 400_000_000_000n

/**
 * Reads `50Mbit`, `500kbit` or `none`.
 *
 * @throws RangeError with what was expected.
 */
export function parseBandwidth(text: string): BitsPerSecond | undefined {
  if (/^none$/i.test(text)) return undefined
  const match = /^(\d{1,6})\s*([kmg]bit)(?:\/s)?$/i.exec(text.trim())
  const rate = BigInt(match?.[1] ?? 0) * (units[match?.[2]?.toLowerCase() ?? ''] ?? 0n)
  if (rate < slowest || rate > fastest)
    throw new RangeError(`"${text}" is not a bandwidth: expected 50Mbit, 500kbit (at least 100kbit) or none.`)
  return rate
}

export function formatBandwidth(rate: BitsPerSecond | undefined): string {
  if (rate === undefined) return 'none'
  const unit = rate % 1_000_000n === 0n ? 'Mbit' : 'kbit'
  return `${rate / (units[unit.toLowerCase()] ?? 1n)}${unit}`
}

/** Milliseconds of traffic at full speed that may be forwarded ahead of payment (docs/protocol.md). */
const creditMs = 200n

/** Bytes of credit that a session of this speed needs for payments to keep up. */
export const creditFor = (speed: BitsPerSecond): bigint => (speed * creditMs) / 8_000n
