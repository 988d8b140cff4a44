import { bytes, parseBytes, unixSeconds, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinLimits, type Limits, leftOf, monthOf, noLimits, parseLimit } from './limits.js'

const used = (flowed: bigint, spent: bigint) => ({ bytes: bytes(flowed), spent: wei(spent) })
const nothing = used(0n, 0n)

describe('limits', () => {
  it('are read for one connect, or for a month', () => {
    expect(parseLimit('500MB', parseBytes)).toEqual({ amount: 500_000_000n, period: 'connect' })
    expect(parseLimit('10 GB / month', parseBytes)).toEqual({ amount: 10_000_000_000n, period: 'month' })
    expect(() => parseLimit('10GB/week', parseBytes)).toThrow(/10GB\/month/)
    expect(() => parseLimit('10/month', parseBytes)).toThrow(/MB/)
  })

  it('leave the rest of the strictest one', () => {
    const limits: Limits = {
      ...noLimits,
      caps: [
        { amount: bytes(500n), period: 'connect' },
        { amount: bytes(2_000n), period: 'month' },
      ],
      budgets: [{ amount: wei(10n), period: 'month' }],
    }
    expect(leftOf(limits, { connect: nothing, month: nothing })).toEqual({ cap: 500n, budget: 10n })
    expect(leftOf(limits, { connect: used(100n, 3n), month: used(1_900n, 4n) })).toEqual({
      cap: 100n,
      budget: 6n,
    })
    expect(leftOf(limits, { connect: nothing, month: used(9_000n, 40n) })).toEqual({ cap: 0n, budget: 0n })
  })

  it('limit nothing where none was set', () => {
    expect(leftOf(noLimits, { connect: nothing, month: nothing })).toEqual({
      cap: undefined,
      budget: undefined,
    })
  })

  it('never lift one another: of two sources the lower price holds, in any order', () => {
    const price = fc.option(fc.bigInt({ min: 0n, max: 10n ** 30n }), { nil: undefined })
    fc.assert(
      fc.property(fc.array(fc.tuple(price, price), { maxLength: 5 }), (pairs) => {
        const all = pairs.map(([megabyte, hour]) => ({
          ...noLimits,
          maxPrice: {
            ...(megabyte === undefined ? {} : { perMegabyte: weiPerMegabyte(megabyte) }),
            ...(hour === undefined ? {} : { perHour: weiPerHour(hour) }),
          },
        }))
        const { perMegabyte, perHour } = joinLimits(all).maxPrice
        for (const { maxPrice } of all) {
          if (maxPrice.perMegabyte !== undefined)
            expect(perMegabyte).toBeLessThanOrEqual(maxPrice.perMegabyte)
          if (maxPrice.perHour !== undefined) expect(perHour).toBeLessThanOrEqual(maxPrice.perHour)
        }
        expect(joinLimits([...all].reverse())).toEqual(joinLimits(all))
      }),
    )
  })

  it('count months as the calendar does in UTC', () => {
    expect(monthOf(unixSeconds(1_796_083_199))).toBe('2026-11')
    expect(monthOf(unixSeconds(1_796_083_200))).toBe('2026-12')
  })
})
