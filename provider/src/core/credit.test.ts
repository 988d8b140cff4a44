import { bytes, type Price, type Wei, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CreditHistory, firstCredit, grownCredit, nextCredit } from './credit.js'

const price: Price = { perMegabyte: weiPerMegabyte(40n), perHour: weiPerHour(0n) }
const atMost = bytes(25_000_000n)
const nothing: CreditHistory = { promised: wei(0n), unpaid: wei(0n) }
const stake = wei(10n ** 18n)
/** No other session runs. */
const idle = { now: 0n, atMost: 0n }
const megabytes = (count: bigint): Wei => wei(count * 40n)

describe('the credit of an identity', () => {
  it('is two megabytes for one that never paid, and grows by a quarter of what it paid', () => {
    expect(nextCredit(nothing, stake, atMost, price, idle).atFirst).toBe(firstCredit)
    expect(nextCredit({ ...nothing, promised: megabytes(40n) }, stake, atMost, price, idle).atFirst).toBe(
      12_000_000n,
    )
    expect(nextCredit({ ...nothing, promised: megabytes(9_000n) }, stake, atMost, price, idle).atFirst).toBe(
      atMost,
    )
  })

  it('is less by what it left unpaid and by what its other sessions have', () => {
    expect(nextCredit({ ...nothing, unpaid: megabytes(1n) }, stake, atMost, price, idle).atFirst).toBe(
      1_000_000n,
    )
    expect(nextCredit(nothing, stake, atMost, price, { now: 500_000n, atMost: 500_000n }).atFirst).toBe(
      1_500_000n,
    )
    expect(nextCredit({ ...nothing, unpaid: megabytes(2n) }, stake, atMost, price, idle).atFirst).toBe(0n)
  })

  it('forgives what is lost on the way: three percent of what was promised', () => {
    const paidMuch = { promised: megabytes(10_000n), unpaid: megabytes(300n) }
    expect(nextCredit(paidMuch, stake, atMost, price, idle).atFirst).toBe(atMost)
    expect(nextCredit({ ...paidMuch, unpaid: megabytes(310n) }, stake, atMost, price, idle).atFirst).toBe(
      15_000_000n,
    )
  })

  it('holds where only time has a price, too', () => {
    const hourly = { perMegabyte: weiPerMegabyte(0n), perHour: weiPerHour(3_600n) }
    const of = (unpaid: bigint) =>
      nextCredit({ promised: wei(0n), unpaid: wei(unpaid) }, stake, atMost, hourly, idle)
    expect(of(0n)).toMatchObject({ atFirst: 2_000_000n, perSecond: 125_000_000n })
    expect(of(1n).atFirst).toBe(0n)
  })

  it('is none at all where everybody pays ahead', () => {
    expect(nextCredit({ ...nothing, promised: megabytes(900n) }, stake, bytes(0n), price, idle).atFirst).toBe(
      0n,
    )
  })

  it('never adds up to more unpaid than two megabytes and what payments have earned, however many sessions', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ pays: fc.bigInt(0n, 60n), takesAll: fc.boolean() }), { maxLength: 40 }),
        (sessions) => {
          let history = nothing
          for (const { pays, takesAll } of sessions) {
            const credit = nextCredit(history, stake, atMost, price, idle)
            const taken = takesAll ? grownCredit(credit, pays * 1_000_000n) : 0n
            history = {
              promised: wei(history.promised + pays * 40n),
              unpaid: wei(history.unpaid + (taken * 40n) / 1_000_000n),
            }
            const earned = history.promised / 4n + (history.promised * 3n) / 100n
            const most = (atMost * 40n) / 1_000_000n + (history.promised * 3n) / 100n
            expect(history.unpaid).toBeLessThanOrEqual(megabytes(2n) + earned)
            expect(history.unpaid).toBeLessThanOrEqual(most)
          }
        },
      ),
    )
  })

  it('gives newcomers no more than a hundredth of their stake is worth', () => {
    const dear = { perMegabyte: weiPerMegabyte(10n ** 18n / 50n), perHour: weiPerHour(0n) }
    expect(nextCredit(nothing, stake, atMost, dear, idle).atFirst).toBe(500_000n)
    expect(nextCredit(nothing, wei(10n * stake), atMost, dear, idle).atFirst).toBe(firstCredit)
    const veryDear = { ...dear, perMegabyte: weiPerMegabyte(10n ** 18n / 5n) }
    expect(nextCredit(nothing, stake, atMost, veryDear, idle).atFirst).toBe(0n)
  })

  it('gives twenty identities that never pay less in all than their registration costs', () => {
    const identities = 20n
    // The market of the demo: 20 tokens a gigabyte, the least stake, and the least that registering and opening a channel
    // cost: what hubs take for relaying the two, unless told otherwise.
    const token = 10n ** 18n
    const eachCosts = (2n * token) / 100n
    const dear = { perMegabyte: weiPerMegabyte(token / 50n), perHour: weiPerHour(0n) }
    let taken = 0n
    for (let identity = 0n; identity < identities; identity++) {
      let history = nothing
      for (let session = 0; session < 40; session++) {
        const { atFirst } = nextCredit(history, stake, atMost, dear, idle)
        taken += atFirst
        history = { ...history, unpaid: wei(history.unpaid + (atFirst * dear.perMegabyte) / 1_000_000n) }
      }
    }
    const worth = (taken * dear.perMegabyte) / 1_000_000n
    console.log(
      `20 identities, 40 sessions each, paid nothing: ${taken} bytes, worth ${Number(worth) / 1e18} tokens; their registrations and channels cost ${Number(identities * eachCosts) / 1e18}`,
    )
    expect(taken).toBe(10_000_000n)
    expect(worth).toBeLessThan(identities * eachCosts)
  })
})
