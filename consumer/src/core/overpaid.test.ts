import { bytes, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { expect, it } from 'vitest'
import { isOverpaid, mayServeAgain } from './overpaid.js'
import { begin, type Session, step } from './session.js'

const terms = {
  price: { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(0n) },
  base: wei(1_000n),
  ceiling: wei(1_000_000n),
  raiseBelow: wei(0n),
  limit: bytes(10_000_000_000n),
  limitedBy: 'cap' as const,
  ceilingIs: 'ceiling' as const,
}

/** A session in which these bytes were counted before the provider ended it. */
function brokenOff(used: bigint, credit: bigint): Session {
  const count = { downBytes: bytes(used), upBytes: bytes(0n), downPackets: 0n, upPackets: 0n }
  const begun = begin({ ...terms, credit: bytes(credit) }, 0)
  const { session } = step(begun, { type: 'counted', count, atMs: 100, limitReached: false })
  const stopped = step(session, { type: 'stop', reason: 'provider' }).session
  return step(stopped, { type: 'halted', count, atMs: 200 }).session
}
const many = (count: number, used: bigint, credit: bigint) =>
  Array.from({ length: count }, () => brokenOff(used, credit))

it('finds out a provider that takes a megabyte ahead and breaks off, again and again', () => {
  expect(isOverpaid(many(10, 0n, 0n))).toBe(false)
  expect(isOverpaid(many(11, 0n, 0n))).toBe(true)
})

it('finds out one that breaks off after the first byte of a megabyte', () => {
  expect(isOverpaid(many(11, 1n, 2_000_000n))).toBe(true)
})

it('keeps one that breaks off often but carries what it was paid for', () => {
  expect(isOverpaid(many(200, 10_500_000n, 2_000_000n))).toBe(false)
})

it('gives no other session to one that was found out, or counted otherwise, also when a new month begins', () => {
  expect(mayServeAgain([])).toBe(true)
  expect(mayServeAgain(many(10, 0n, 0n))).toBe(true)
  expect(mayServeAgain(many(11, 0n, 0n))).toBe(false)
  const [honest] = many(1, 10_000_000n, 0n)
  const disputed = { ...(honest as Session), reason: 'counts' } as const
  expect(mayServeAgain([disputed, honest as Session])).toBe(false)
})
