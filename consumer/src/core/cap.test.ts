import { bytes, owedFor, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteLimit, capLeft, ceilingToRequest, defaultBudget, freeCollateral, raisedCeiling } from './cap.js'

const price = (perMegabyte: bigint) => ({ perMegabyte: weiPerMegabyte(perMegabyte), perHour: weiPerHour(0n) })

describe('the ceiling asked for', () => {
  it('is the price of the cap', () => {
    const asked = {
      cap: bytes(50_000_000n),
      budget: undefined,
      price: price(40n),
      suggested: wei(9n),
      free: wei(10_000n),
    }
    expect(ceilingToRequest(asked)).toBe(2_000n)
  })

  it('is what the provider suggests where there is no cap', () => {
    const asked = {
      cap: undefined,
      budget: undefined,
      price: price(40n),
      suggested: wei(900n),
      free: wei(10_000n),
    }
    expect(ceilingToRequest(asked)).toBe(900n)
  })

  it('is never more than the channel has free', () => {
    const asked = {
      cap: bytes(50_000_000n),
      budget: undefined,
      price: price(40n),
      suggested: wei(9n),
      free: wei(100n),
    }
    expect(ceilingToRequest(asked)).toBe(100n)
  })
})

describe('a larger guarantee', () => {
  const session = {
    ...{ base: wei(100n), ceiling: wei(1_100n), step: wei(1_000n) },
    ...{ budget: undefined, most: wei(5_900n) },
  }

  it('grows by what the provider suggested, while channel and budget allow', () => {
    expect(raisedCeiling(session)).toBe(2_100n)
    expect(raisedCeiling({ ...session, most: wei(1_600n) })).toBe(1_600n)
    expect(raisedCeiling({ ...session, most: wei(1_100n) })).toBe(1_100n)
    expect(raisedCeiling({ ...session, budget: wei(1_500n) })).toBe(1_600n)
  })
})

describe('the budget of a connect without one', () => {
  it('is the price of its cap, of 10 GB without a cap, and of a day where time is charged', () => {
    expect(defaultBudget(bytes(50_000_000n), price(40n))).toBe(2_000n)
    expect(defaultBudget(undefined, price(40n))).toBe(400_000n)
    expect(defaultBudget(undefined, { ...price(0n), perHour: weiPerHour(5n) })).toBe(120n)
    expect(defaultBudget(undefined, price(0n))).toBe(0n)
  })
})

describe('the kernel’s limit', () => {
  it('is the cap, or what is guaranteed if that is less', () => {
    expect(byteLimit(bytes(50_000_000n), wei(2_000n), price(40n))).toBe(50_000_000n)
    expect(byteLimit(bytes(50_000_000n), wei(1_999n), price(40n))).toBe(49_000_000n)
    expect(byteLimit(undefined, wei(400n), price(40n))).toBe(10_000_000n)
    expect(byteLimit(undefined, wei(400n), price(0n))).toBeUndefined()
  })

  it('never lets through what could not be paid', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 20n })
    const cap = fc.option(fc.bigInt({ min: 1n, max: 10n ** 12n }).map(bytes), { nil: undefined })
    fc.assert(
      fc.property(cap, amount, fc.bigInt({ min: 1n, max: 10n ** 18n }), (most, guaranteed, each) => {
        const limit = byteLimit(most, wei(guaranteed), price(each))
        expect(limit).toBeDefined()
        expect(owedFor(limit ?? bytes(0n), 0n, price(each))).toBeLessThanOrEqual(guaranteed)
        if (most !== undefined) expect(limit).toBeLessThanOrEqual(most)
      }),
    )
  })

  it('has nothing left once it is reached', () => {
    expect(capLeft(bytes(10n), bytes(4n))).toBe(6n)
    expect(capLeft(bytes(10n), bytes(11n))).toBe(0n)
  })
})

describe('what a channel has free', () => {
  it('is its balance less every promise not drawn yet', () => {
    const totals = [
      { signed: wei(30n), drawn: wei(10n) },
      { signed: wei(5n), drawn: wei(7n) },
    ]
    expect(freeCollateral(wei(100n), totals)).toBe(80n)
    expect(freeCollateral(wei(15n), totals)).toBe(0n)
  })
})
