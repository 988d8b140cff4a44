import type { Bytes } from '@pontage/shared'

/** Milliseconds between looks at the counters, at most and at least. */
const slowestMs = 50
const fastestMs = 8
/** Looks for each credit's worth of traffic: each promise has to arrive before the credit is used up. */
const looksPerCredit = 4

/**
 * When to look at the counters again: every 50 ms, sooner where the credit would be used up before.
 *
 * @param passed - Bytes since the look before, in `elapsedMs` milliseconds.
 */
export function lookAgainAfterMs(passed: Bytes, elapsedMs: number, credit: Bytes): number {
  if (passed === 0n || elapsedMs <= 0) return slowestMs
  const msPerCredit = (Number(credit) * elapsedMs) / Number(passed)
  return Math.max(fastestMs, Math.min(slowestMs, msPerCredit / looksPerCredit))
}
