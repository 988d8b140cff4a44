import { type Bytes, bytes, type Counted, larger } from '@pontage/shared'

/** What is believed of a provider's count, where there is no count of our own. */
export interface Believed {
  /** What is paid for. */
  readonly counted: Counted
  /** Thousandths of a byte that may be believed at once: a second of the rate at most. */
  readonly room: bigint
  /** Milliseconds of a clock that only grows. */
  readonly atMs: number
}

/** What a provider's count is held to; undefined where nothing holds it. */
export interface BeliefLimits {
  /** Bytes a second, in both directions together. */
  readonly rate: bigint | undefined
  /** Bytes in all. */
  readonly most: Bytes | undefined
}

const nothing: Counted = {
  ...{ downBytes: bytes(0n), upBytes: bytes(0n) },
  ...{ downPackets: 0n, upPackets: 0n },
}

/** Before the first word. */
export const beginBelief = ({ rate }: Pick<BeliefLimits, 'rate'>, atMs: number): Believed => ({
  ...{ counted: nothing, atMs },
  room: (rate ?? 0n) * 1_000n,
})

/** Bytes in both directions. */
export const totalOf = ({ downBytes, upBytes }: Counted): Bytes => bytes(downBytes + upBytes)

/**
 * Advances by one look at what the provider says. Pure. What is believed never falls, stays within `most`, and grows no faster
 * than the rate: from the beginning on no more than the rate times the time, and a second of it.
 *
 * @param claimed - Its latest count.
 */
export function believe(
  before: Believed,
  claimed: Counted,
  atMs: number,
  { rate, most }: BeliefLimits,
): Believed {
  const passedMs = BigInt(Math.max(0, Math.floor(atMs - before.atMs)))
  const now = before.atMs + Number(passedMs)
  const so = totalOf(before.counted)
  // Each figure grows alone: what one of them is said to have lost pays for none of what another gained.
  const news = grown(before.counted, claimed)
  const wanted = totalOf(news) - so
  const left = most === undefined ? wanted : most > so ? most - so : 0n
  const full = rate === undefined ? 0n : rate * 1_000n
  const earned = rate === undefined ? 0n : lesser(full, before.room + rate * passedMs)
  const granted = lesser(lesser(wanted, left), rate === undefined ? wanted : earned / 1_000n)
  return {
    counted: granted === 0n ? before.counted : towards(before.counted, news, granted, wanted),
    room: rate === undefined ? 0n : earned - granted * 1_000n,
    atMs: now,
  }
}

/** A count that never falls, in any figure. */
const grown = (from: Counted, to: Counted): Counted => ({
  downBytes: larger(from.downBytes, to.downBytes),
  upBytes: larger(from.upBytes, to.upBytes),
  downPackets: larger(from.downPackets, to.downPackets),
  upPackets: larger(from.upPackets, to.upPackets),
})

/** As much of the way from one count to a larger one as was granted, in each figure alike. */
function towards(from: Counted, to: Counted, granted: bigint, wanted: bigint): Counted {
  const part = (one: bigint, other: bigint) => one + ((other - one) * granted) / wanted
  return {
    downBytes: bytes(part(from.downBytes, to.downBytes)),
    upBytes: bytes(part(from.upBytes, to.upBytes)),
    downPackets: part(from.downPackets, to.downPackets),
    upPackets: part(from.upPackets, to.upPackets),
  }
}

const lesser = (one: bigint, other: bigint): bigint => (one < other ? one : other)

/**
 * Milliseconds until another session of the same lending may begin: a megabyte is paid in full once it begins, so many short
 * sessions would cost more than the rate allows.
 *
 * @param paid - Bytes that the last one was paid for.
 * @param tookMs - How long it took.
 */
export const restMs = (paid: Bytes, tookMs: number, { rate }: Pick<BeliefLimits, 'rate'>): number =>
  rate === undefined ? 0 : Math.max(0, Number((paid * 1_000n) / rate) - tookMs)
