import { netOf, wei } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gasCostOf, judgeHubTotal, leastHubTotal, redeemable, whyRedeem } from './redeemPolicy.js'

describe('the least total a hub may promise', () => {
  it('is what is credited and the net of what was cleared and not drawn', () => {
    const channels = [
      { cleared: wei(1_000n), drawn: wei(0n) },
      { cleared: wei(500n), drawn: wei(500n) },
      { cleared: wei(300n), drawn: wei(100n) },
    ]
    // 2 % off: 980 for the first, nothing open on the second, 294 − 98 for the third.
    expect(leastHubTotal(wei(588n), channels, 200)).toBe(588n + 980n + 196n)
  })

  it('does not fall when the hub draws what it cleared', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 24n })
    fc.assert(
      fc.property(fc.array(fc.tuple(amount, amount)), fc.integer({ min: 0, max: 2_000 }), (pairs, feeBps) => {
        const before = pairs.map(([cleared]) => ({ cleared: wei(cleared), drawn: wei(0n) }))
        const after = pairs.map(([cleared, part]) => ({
          cleared: wei(cleared),
          // A part of what was cleared.
          drawn: wei(cleared === 0n ? 0n : part % (cleared + 1n)),
        }))
        const credited = after.reduce((sum, { drawn }) => sum + netOf(drawn, feeBps), 0n)
        expect(leastHubTotal(wei(credited), after, feeBps)).toBe(leastHubTotal(wei(0n), before, feeBps))
      }),
    )
  })

  it('is demanded to the unit', () => {
    expect(judgeHubTotal(wei(100n), wei(100n)).ok).toBe(true)
    expect(judgeHubTotal(wei(99n), wei(100n))).toEqual({
      ok: false,
      refusal: { code: 'promise-too-low', total: 99n, expected: 100n },
    })
  })
})

describe('redeeming', () => {
  it('pays the larger of promise and credit, less what was paid', () => {
    expect(redeemable(wei(100n), { credited: wei(40n), paid: wei(30n) })).toBe(70n)
    expect(redeemable(wei(20n), { credited: wei(40n), paid: wei(30n) })).toBe(10n)
    expect(redeemable(wei(20n), { credited: wei(25n), paid: wei(30n) })).toBe(0n)
  })

  const rule = { auto: true, above: wei(50n), everySeconds: 3_600, maxGasShareBps: 500 }
  const calm = { hubInTrouble: false, overExposed: false, secondsSinceLast: 0, gasCost: undefined }

  it('waits until it is worth it, and does nothing unasked', () => {
    expect(whyRedeem(wei(49n), calm, rule)).toBeUndefined()
    expect(whyRedeem(wei(50n), calm, rule)).toBe('amount')
    expect(whyRedeem(wei(0n), { ...calm, hubInTrouble: true }, rule)).toBeUndefined()
    expect(whyRedeem(wei(99n), { ...calm, hubInTrouble: true }, { ...rule, auto: false })).toBeUndefined()
  })

  it('goes by the schedule for what is less', () => {
    expect(whyRedeem(wei(1n), { ...calm, secondsSinceLast: 3_599 }, rule)).toBeUndefined()
    expect(whyRedeem(wei(1n), { ...calm, secondsSinceLast: 3_600 }, rule)).toBe('schedule')
    expect(
      whyRedeem(wei(1n), { ...calm, secondsSinceLast: 10 ** 9 }, { ...rule, everySeconds: undefined }),
    ).toBeUndefined()
  })

  it('waits while gas would take more than its share, but not for a hub in trouble or beyond exposure', () => {
    const dear = { ...calm, gasCost: wei(6n) }
    expect(whyRedeem(wei(119n), dear, rule)).toBeUndefined()
    expect(whyRedeem(wei(120n), dear, rule)).toBe('amount')
    expect(whyRedeem(wei(1n), { ...dear, hubInTrouble: true }, rule)).toBe('the hub is not relied on')
    expect(whyRedeem(wei(1n), { ...dear, overExposed: true }, rule)).toBe('exposure')
  })

  it('reckons gas in the token', () => {
    // 150,000 gas at 20 gwei are 0.003 coins; a coin is worth 3,000 tokens of 18 decimals.
    expect(gasCostOf(150_000n, 20_000_000_000n, wei(3_000n * 10n ** 18n))).toBe(9n * 10n ** 18n)
  })
})
