import { type Bytes, bytes, type Counted } from '@pontage/shared'

/** What the kernel has counted for one session since it opened. */
export interface Reading extends Counted {
  /** Bytes dropped because they were beyond the credit; the quota counts them as used, too. */
  readonly dropped: Bytes
}

/** Nothing yet. */
export const noReading: Reading = {
  downBytes: bytes(0n),
  upBytes: bytes(0n),
  downPackets: 0n,
  upPackets: 0n,
  dropped: bytes(0n),
}

/** How many paid readings the difference is the least of: lag comes and goes, loss stays. */
const gapsKept = 8

/** How far the provider's count of charged bytes is known to run ahead of the consumer's. */
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
