import { bytes, unixSeconds, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { isUsedUp, type LendLimitTexts, type LendUsed, parseLendLimits, renewedAt } from './lendLimits.js'
import { leftOf } from './limits.js'

const limitsOf = (texts: Partial<LendLimitTexts>) =>
  parseLendLimits({ budget: ['1/day'], cap: [], maxPrice: [], ...texts }, 0)
const used = (lending: bigint, month: bigint, day: bigint): LendUsed => {
  const of = (spent: bigint) => ({ spent: wei(spent), bytes: bytes(0n) })
  return { lending: of(lending), month: of(month), day: of(day) }
}
const noon = unixSeconds(Date.parse('2026-11-30T12:00:00Z') / 1_000)
const at = (text: string) => Date.parse(text) / 1_000

describe('the limits of a lending', () => {
  it('are read with their periods', () => {
    const limits = limitsOf({ budget: ['5', '2/day'], cap: ['1GB/month'], rate: '8Mbit', maxPrice: ['3/MB'] })
    expect(limits.budgets).toEqual([
      { amount: 5n, period: 'lending' },
      { amount: 2n, period: 'day' },
    ])
    expect(limits.caps).toEqual([{ amount: 1_000_000_000n, period: 'month' }])
    expect(limits.rate).toBe(1_000_000n)
    expect(limits.maxPrice).toEqual({ perMegabyte: 3n })
  })

  it.each([
    [{ budget: [] }, /--budget is missing/],
    [{ budget: ['1/week'] }, /a day or a month/],
    [{ budget: ['0/day'] }, /lets nothing through/],
    [{ cap: ['many'] }, /is not a size/],
    [{ rate: '500kbit' }, /at least 1Mbit/],
  ])('are refused with a sentence: %j', (texts, sentence) => {
    expect(() => limitsOf(texts)).toThrow(sentence)
  })

  it('leave the rest of the strictest', () => {
    const limits = limitsOf({ budget: ['10', '4/day'] })
    expect(leftOf(limits, used(3n, 3n, 3n)).budget).toBe(1n)
    expect(leftOf(limits, used(9n, 9n, 0n)).budget).toBe(1n)
  })

  it('are used up where they pay for no megabyte, or let none through', () => {
    const price = { perMegabyte: 2n }
    expect(isUsedUp({ cap: undefined, budget: wei(2n) }, price)).toBe(false)
    expect(isUsedUp({ cap: undefined, budget: wei(1n) }, price)).toBe(true)
    expect(isUsedUp({ cap: bytes(65_535n), budget: undefined }, price)).toBe(true)
  })

  it('are there again with the next day, the next month, or never', () => {
    const price = { perMegabyte: 1n }
    const daily = limitsOf({ budget: ['2/day', '20/month'] })
    expect(renewedAt(daily, used(2n, 2n, 2n), noon, price)).toBe(at('2026-12-01T00:00:00Z'))
    const november = unixSeconds(at('2026-11-10T12:00:00Z'))
    expect(renewedAt(daily, used(20n, 20n, 2n), november, price)).toBe(at('2026-12-01T00:00:00Z'))
    expect(renewedAt(limitsOf({ budget: ['5', '2/day'] }), used(5n, 2n, 2n), noon, price)).toBeUndefined()
  })
})
