import type { Bytes } from '@pontage/shared'

/** Milliseconds between looks at the counters, at most and at least. */
const slowestMs = 50
const fastestMs = 8
/** A burst is often followed by another: the pace slows down by no more than this at a time. */
const slowing = 1.25
/** Looks for each credit's worth of traffic: each promise has to arrive before the credit is used up. */
const looksPerCredit = 4

/**
 * When to look at the counters again: every 50 ms, sooner where the credit would be used up before.
 *
 * @param passed - Bytes since the look before, in `elapsedMs` milliseconds.
 * @param before - Milliseconds this said the last time.
 */
export function lookAgainAfterMs(
  passed: Bytes,
  elapsedMs: number,
  credit: Bytes,
  before: number = slowestMs,
): number {
  const msPerCredit = passed === 0n ? Number.POSITIVE_INFINITY : (Number(credit) * elapsedMs) / Number(passed)
  return Math.max(fastestMs, Math.min(slowestMs, before * slowing, msPerCredit / looksPerCredit))
}
