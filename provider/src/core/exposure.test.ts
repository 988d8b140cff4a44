import { wei } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawsForExposure, exposureOf, judgeExposure } from './exposure.js'

const channel = (amount: bigint, drawn = 0n) => ({ amount: wei(amount), drawn: wei(drawn) })

describe('the exposure to a hub', () => {
  it('is what is promised and not drawn', () => {
    expect(exposureOf([channel(50n, 20n), channel(7n), channel(5n, 5n)])).toBe(37n)
  })

  it('asks for a draw from half of its limit on, and holds beyond it', () => {
    expect(judgeExposure(50n, wei(100n))).toBe('within')
    expect(judgeExposure(51n, wei(100n))).toBe('draw')
    expect(judgeExposure(100n, wei(100n))).toBe('draw')
    expect(judgeExposure(101n, wei(100n))).toBe('hold')
    expect(judgeExposure(10n ** 30n, undefined)).toBe('within')
  })

  it('is brought down by the largest promises', () => {
    const [small, large, middle] = [channel(10n), channel(70n), channel(30n)]
    expect(drawsForExposure([small, large, middle], wei(200n))).toEqual([large])
    expect(drawsForExposure([small, large, middle], wei(150n))).toEqual([large, middle])
    expect(drawsForExposure([small, large, middle], wei(220n))).toEqual([])
  })

  it('is within a quarter of the limit after those draws, whatever the channels', () => {
    const channels = fc.array(
      fc.tuple(fc.bigInt({ min: 0n, max: 1_000n }), fc.bigInt({ min: 0n, max: 1_000n })),
    )
    fc.assert(
      fc.property(channels, fc.bigInt({ min: 0n, max: 5_000n }), (pairs, limit) => {
        const all = pairs.map(([amount, drawn]) => channel(amount, drawn))
        const drawn = drawsForExposure(all, wei(limit))
        const left = exposureOf(all.filter((each) => !drawn.includes(each)))
        expect(judgeExposure(left, wei(limit))).toBe('within')
        if (drawn.length > 0) expect(left * 4n <= limit).toBe(true)
      }),
    )
  })
})
