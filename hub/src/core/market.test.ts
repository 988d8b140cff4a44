import { address, wei } from '@pontage/shared'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { concentration, shownQuality } from './market.js'
import { noQuality, type Quality } from './receipts.js'

const identity = (n: number) => address(`0x${n.toString(16).padStart(40, '0')}`)
const paidTo = (n: number, paid: bigint): Quality => ({
  ...noQuality(identity(n)),
  sessions: 1,
  paid: wei(paid),
})
const ofItself = (provider: ReturnType<typeof identity>) => provider

it('weighs speed and score by what was paid', () => {
  const quality: Quality = {
    provider: identity(1),
    sessions: 3,
    paid: wei(100n),
    throughputSum: 90n * 1_000n + 10n * 50_000n,
    ratedPaid: wei(30n),
    scoreSum: 20n * 5n + 10n * 1n,
  }
  expect(shownQuality(quality)).toEqual({ sessions: 3, paid: 100n, throughputKbps: 5_900, score: 3.666666 })
  expect(shownQuality({ ...quality, ratedPaid: wei(0n), scoreSum: 0n }).score).toBe(null)
  expect(shownQuality(undefined)).toEqual({ sessions: 0, paid: 0n, throughputKbps: null, score: null })
})

it('shows a monopoly, an even market, and none', () => {
  expect(concentration([], ofItself)).toMatchObject({ sellers: 0, herfindahl: 0, beneficiaries: [] })
  expect(concentration([paidTo(1, 7n)], ofItself)).toMatchObject({ sellers: 1, herfindahl: 1 })
  const four = [1, 2, 3, 4].map((n) => paidTo(n, 10n ** 24n))
  expect(concentration(four, ofItself)).toMatchObject({ sellers: 4, herfindahl: 0.25, paid: 4n * 10n ** 24n })
})

it('counts providers with the same beneficiary as one seller', () => {
  const three = [paidTo(1, 60n), paidTo(2, 20n), paidTo(3, 20n)]
  const shown = concentration(three, (provider) => (provider === identity(3) ? provider : identity(9)))
  expect(shown).toEqual({
    paid: 100n,
    sessions: 3,
    sellers: 2,
    herfindahl: 0.68,
    beneficiaries: [
      { beneficiary: identity(9), providers: 2, paid: 80n, share: 0.8 },
      { beneficiary: identity(3), providers: 1, paid: 20n, share: 0.2 },
    ],
  })
})

it('lies between an even market and a monopoly, whatever was paid', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt(1n, 10n ** 30n), { minLength: 1, maxLength: 50 }), (amounts) => {
      const shown = concentration(
        amounts.map((amount, n) => paidTo(n, amount)),
        ofItself,
      )
      expect(shown.herfindahl).toBeLessThanOrEqual(1)
      expect(shown.herfindahl).toBeGreaterThanOrEqual(1 / amounts.length - 0.000_001)
    }),
  )
})
