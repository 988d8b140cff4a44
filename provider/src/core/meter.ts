import { type Bytes, bytes } from '@pontage/shared'

/** What the kernel has counted for one session since it opened: inner IP bytes, payments excluded. */
export interface Reading {
  /** Bytes sent into the tunnel, towards the consumer. */
  readonly down: Bytes
  /** Bytes received from the tunnel. */
  readonly up: Bytes
  /** Bytes dropped because they were beyond the credit; the quota counts them as used, too. */
  readonly dropped: Bytes
  /** Packets in both directions, as the kernel handed them on: one may stand for many that travelled. */
  readonly packets: bigint
}

/** Nothing yet. */
export const noReading: Reading = { down: bytes(0n), up: bytes(0n), dropped: bytes(0n), packets: 0n }

/** Share of its own count, in hundredths, that a provider writes off as lost on the way (docs/protocol.md). */
const toleratedHundredths = 3n

/** Largest header of a packet, IPv6 and TCP with its options, and its share of a full packet, in hundredths. */
const headerBytes = 72n
const headerHundredths = 6n

/** How many paid readings the difference is the least of: lag comes and goes, loss stays. */
const gapsKept = 8

/** How far the provider's count is known to run ahead of the consumer's. */
export interface Gaps {
  /** What was missing while nothing was on its way: lost for good. */
  readonly settled: Bytes
  /** What was missing beyond half of the credit, looked at whenever a payment came; the latest few. */
  readonly recent: readonly Bytes[]
}

/** Nothing is known to be lost, or only what was known before the program died. */
export const knownGap = (settled: Bytes): Gaps => ({ settled, recent: [] })

/**
 * Notes one more difference, seen when a payment came. At that moment traffic and payments are on their way, and
 * half of the credit is for them: only what is missing beyond it can be loss. A payment that is ahead of the count
 * leaves no difference.
 */
export function noteGap({ settled, recent }: Gaps, counted: Bytes, covered: Bytes, credit: Bytes): Gaps {
  const onItsWay = covered + credit / 2n
  const gap = counted > onItsWay ? bytes(counted - onItsWay) : bytes(0n)
  return { settled, recent: [...recent, gap].slice(-gapsKept) }
}

/** Notes what is missing after nothing was forwarded for a while and the consumer said that it owes no more. */
export const settleGap = (gaps: Gaps, counted: Bytes, covered: Bytes): Gaps =>
  knownGap(counted > covered && counted - covered > gaps.settled ? bytes(counted - covered) : gaps.settled)

/** What loss explains so far: what is settled, or the least difference seen lately. */
export function lastingGap({ settled, recent }: Gaps): Bytes {
  if (recent.length < gapsKept) return settled
  const least = recent.reduce((one, other) => (other < one ? other : one))
  return least > settled ? least : settled
}

/**
 * Most that may lie between our count and what was paid: what is lost on the way, and headers. A kernel counts
 * packets that belong together as one, under one header, and where the consumer's does and ours does not, our count
 * is larger by the headers of our packets. Where ours are large already there is next to nothing to allow for.
 */
export function toleratedGap(covered: Bytes, packets: bigint): Bytes {
  const headers = packets * headerBytes
  const most = (covered * headerHundredths) / 100n
  return bytes((covered * toleratedHundredths) / 100n + (headers < most ? headers : most))
}
