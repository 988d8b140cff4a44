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

/** How many paid readings the lasting difference is the least of: lag comes and goes, loss stays. */
const gapsKept = 8

/**
 * How far the provider's count runs ahead of what was paid, looked at whenever a payment came.
 * The least of the last few is what loss explains; the rest is only on its way.
 */
export type Gaps = readonly Bytes[]

/** Notes one more gap. A payment that is ahead of the count leaves none. */
export function noteGap(gaps: Gaps, counted: Bytes, covered: Bytes): Gaps {
  const gap = counted > covered ? bytes(counted - covered) : bytes(0n)
  return [...gaps, gap].slice(-gapsKept)
}

/** What loss explains so far: the least gap seen lately. */
export function lastingGap(gaps: Gaps): Bytes {
  const [least] = [...gaps].sort((a, b) => Number(a - b))
  return least === undefined || gaps.length < gapsKept ? bytes(0n) : least
}

/** Gaps of which this is the least: what was known before the program died. */
export const settledGaps = (gap: Bytes): Gaps => (gap > 0n ? Array<Bytes>(gapsKept).fill(gap) : [])

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
