import { type Bytes, bytes, type Counted, chargedBytes, larger } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beginBelief, believe, restMs, totalOf } from './believed.js'

const atLeastNothing = (value: bigint): bigint => larger(value, 0n)
const count = (down: bigint, up = 0n): Counted => ({
  ...{ downBytes: bytes(down), upBytes: bytes(up) },
  ...{ downPackets: down / 1_000n, upPackets: up / 100n },
})

describe('what is believed of a provider’s count', () => {
  it('is the count itself where nothing holds it', () => {
    const free = { rate: undefined, most: undefined }
    const believed = believe(beginBelief(free, 0), count(5_000_000n, 70n), 10, free)
    expect(believed.counted).toEqual(count(5_000_000n, 70n))
  })

  it('follows a count that came at once by and by, a second of the rate first', () => {
    const limits = { rate: 1_000n, most: undefined }
    const first = believe(beginBelief(limits, 0), count(3_000n), 0, limits)
    expect(totalOf(first.counted)).toBe(1_000n)
    const second = believe(first, count(3_000n), 500, limits)
    expect(totalOf(second.counted)).toBe(1_500n)
    expect(totalOf(believe(second, count(3_000n), 60_000, limits).counted)).toBe(2_500n)
  })

  it('is not doubled by a count that falls in one direction and grows in the other', () => {
    const limits = { rate: 1_000n, most: 10_000n as Bytes }
    const first = believe(beginBelief(limits, 0), count(1_000n, 0n), 0, limits)
    const next = believe(first, count(0n, 1_001n), 1, limits)
    expect(totalOf(next.counted)).toBeLessThanOrEqual(1_001n)
  })

  const steps = fc.array(
    fc.record({
      // A provider may take back in one direction what it adds in the other.
      down: fc.bigInt(-(10n ** 9n), 10n ** 9n),
      up: fc.bigInt(-(10n ** 9n), 10n ** 9n),
      afterMs: fc.integer({ min: -50, max: 5_000 }),
    }),
    { maxLength: 40 },
  )

  it('never falls, never passes the claim, the limit, or the rate by more than a second of it', () => {
    fc.assert(
      fc.property(steps, fc.bigInt(1n, 10n ** 8n), fc.bigInt(0n, 10n ** 9n), (all, rate, most) => {
        const limits = { rate, most: most as Bytes }
        let believed = beginBelief(limits, 0)
        let atMs = 0
        let claimed = count(0n)
        const highest = { down: 0n, up: 0n }
        let passedMs = 0n
        for (const { down, up, afterMs } of all) {
          atMs += afterMs
          claimed = count(atLeastNothing(claimed.downBytes + down), atLeastNothing(claimed.upBytes + up))
          highest.down = larger(highest.down, claimed.downBytes)
          highest.up = larger(highest.up, claimed.upBytes)
          const next = believe(believed, claimed, atMs, limits)
          passedMs += BigInt(Math.floor(next.atMs - believed.atMs))
          const total = totalOf(next.counted)
          expect(total).toBeGreaterThanOrEqual(totalOf(believed.counted))
          expect(chargedBytes(next.counted)).toBeLessThanOrEqual(total)
          for (const bound of [highest.down + highest.up, most, rate + (rate * passedMs) / 1_000n])
            expect(total).toBeLessThanOrEqual(bound)
          believed = next
        }
      }),
    )
  })
})

describe('the rest after a session', () => {
  it('lasts until what it was paid for is no more than the rate allows', () => {
    expect(restMs(bytes(1_000_000n), 500, { rate: 125_000n })).toBe(7_500)
    expect(restMs(bytes(1_000_000n), 9_000, { rate: 125_000n })).toBe(0)
    expect(restMs(bytes(1_000_000n), 0, { rate: undefined })).toBe(0)
  })
})
