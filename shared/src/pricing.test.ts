import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesCovered, feeOn, netOf, owedFor } from './pricing.js'
import { bytes, wei, weiPerHour, weiPerMegabyte } from './units.js'

const price = (perMegabyte: bigint, perHour = 0n) => ({
  perMegabyte: weiPerMegabyte(perMegabyte),
  perHour: weiPerHour(perHour),
})
const natural = (max: bigint) => fc.bigInt({ min: 0n, max })

describe('what a session owes', () => {
  it('owes a megabyte in full once it begins', () => {
    expect(owedFor(bytes(0n), 0n, price(40n))).toBe(0n)
    expect(owedFor(bytes(1n), 0n, price(40n))).toBe(40n)
    expect(owedFor(bytes(1_000_000n), 0n, price(40n))).toBe(40n)
    expect(owedFor(bytes(1_000_001n), 0n, price(40n))).toBe(80n)
  })

  it('owes time by the whole second', () => {
    expect(owedFor(bytes(0n), 1_800n, price(0n, 100n))).toBe(50n)
  })

  it('never falls while bytes and seconds grow', () => {
    fc.assert(
      fc.property(
        natural(10n ** 15n),
        natural(10n ** 12n),
        natural(10n ** 6n),
        natural(10n ** 4n),
        natural(10n ** 20n),
        natural(10n ** 20n),
        (used, moreBytes, seconds, moreSeconds, perMegabyte, perHour) => {
          const before = owedFor(bytes(used), seconds, price(perMegabyte, perHour))
          const after = owedFor(bytes(used + moreBytes), seconds + moreSeconds, price(perMegabyte, perHour))
          expect(after).toBeGreaterThanOrEqual(before)
        },
      ),
    )
  })

  it('covers exactly the bytes that may be used without owing more', () => {
    fc.assert(
      fc.property(
        natural(10n ** 24n),
        natural(10n ** 5n),
        fc.bigInt({ min: 1n, max: 10n ** 20n }),
        natural(10n ** 20n),
        (paid, seconds, perMegabyte, perHour) => {
          const terms = price(perMegabyte, perHour)
          fc.pre(paid >= owedFor(bytes(0n), seconds, terms))
          const covered = bytesCovered(wei(paid), seconds, terms)
          expect(covered).toBeDefined()
          if (covered === undefined) return
          expect(owedFor(covered, seconds, terms)).toBeLessThanOrEqual(paid)
          expect(owedFor(bytes(covered + 1n), seconds, terms)).toBeGreaterThan(paid)
        },
      ),
    )
  })

  it('sets no limit on bytes that cost nothing', () => {
    expect(bytesCovered(wei(0n), 0n, price(0n))).toBeUndefined()
  })
})

describe('the fee of a hub', () => {
  it('is the same for one total, however many steps led to it', () => {
    fc.assert(
      fc.property(
        fc.array(natural(10n ** 20n), { maxLength: 20 }),
        fc.integer({ min: 0, max: 2_000 }),
        (steps, bps) => {
          let total = 0n
          let fees = 0n
          for (const step of steps) {
            fees += feeOn(wei(total + step), bps) - feeOn(wei(total), bps)
            total += step
          }
          expect(fees).toBe(feeOn(wei(total), bps))
          expect(netOf(wei(total), bps) + fees).toBe(total)
        },
      ),
    )
  })
})
