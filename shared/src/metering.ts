import { type Bytes, bytes } from './units.js'

/** What one end's kernel has counted for a session since it opened: inner IP packets, payments excluded. */
export interface Counted {
  readonly downBytes: Bytes
  readonly upBytes: Bytes
  /** Packets as the kernel handed them on: one may stand for many that travelled. */
  readonly downPackets: bigint
  readonly upPackets: bigint
}

/** Taken off each packet: the headers of IPv4 and of TCP with timestamps, which most packets carry. */
const headerBytes = 52n
/** In each direction at most this part is taken off, so that filling up with tiny packets makes nothing cheaper. */
const headersAtMost = { numerator: 1n, denominator: 4n }

/**
 * Bytes that are taken off a count as headers. A kernel may pass on several packets of one connection as one, under
 * one header, and where only one end does so the counts differ by the headers; what is left without them is the same.
 * Never falls while the counts grow.
 */
export const headerBytesIn = ({ downBytes, upBytes, downPackets, upPackets }: Counted): Bytes =>
  bytes(headersIn(downBytes, downPackets) + headersIn(upBytes, upPackets))

/**
 * Bytes that are charged: both directions, without headers (docs/protocol.md, section 5). Both ends compute them from
 * their own counts, pay by them, and compare them.
 *
 * @example
 * chargedBytes({ downBytes: bytes(1_280n), upBytes: bytes(0n), downPackets: 1n, upPackets: 0n }) // 1_228n
 */
export const chargedBytes = (counted: Counted): Bytes =>
  bytes(counted.downBytes + counted.upBytes - headerBytesIn(counted))

/** Share of the charged bytes, in hundredths, that may be lost on the way: more between two counts is a dispute. */
export const lossHundredths = 3n

/** Charged bytes that loss explains, by which the provider's count may exceed what its consumer counted. */
export const toleratedLoss = (charged: Bytes): Bytes => bytes((charged * lossHundredths) / 100n)

function headersIn(counted: Bytes, packets: bigint): bigint {
  const headers = packets * headerBytes
  const most = (counted * headersAtMost.numerator) / headersAtMost.denominator
  return headers < most ? headers : most
}
