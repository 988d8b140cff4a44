import { address, type Hex, wei } from '@pontage/shared'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Draw, hubEarningsBy, totalOfHub } from './hubEarnings.js'

const provider = (digit: string) => address(`0x${digit.repeat(40)}`)
const channel = (digit: string): Hex => `0x${digit.repeat(64)}`

it('adds up the fees of a day, of a provider and of a channel', () => {
  const draws: Draw[] = [
    { channelId: channel('1'), provider: provider('a'), amount: wei(100n), fee: wei(2n), at: 86_399 },
    { channelId: channel('2'), provider: provider('a'), amount: wei(50n), fee: wei(1n), at: 86_400 },
    { channelId: channel('1'), provider: provider('b'), amount: wei(10n), fee: wei(0n), at: 86_401 },
  ]
  expect(hubEarningsBy('day', draws)).toEqual([
    { of: '1970-01-01', draws: 1, drawn: 100n, fees: 2n },
    { of: '1970-01-02', draws: 2, drawn: 60n, fees: 1n },
  ])
  expect(hubEarningsBy('provider', draws)).toMatchObject([
    { of: provider('a'), draws: 2, fees: 3n },
    { of: provider('b'), draws: 1, fees: 0n },
  ])
})

it('comes to the same total in every view', () => {
  const draw = fc.record({
    channelId: fc.constantFrom(channel('1'), channel('2'), channel('3')),
    provider: fc.constantFrom(provider('a'), provider('b')),
    amount: fc.bigInt(0n, 10n ** 24n).map(wei),
    fee: fc.bigInt(0n, 10n ** 22n).map(wei),
    at: fc.integer({ min: 0, max: 2_000_000_000 }),
  })
  fc.assert(
    fc.property(fc.array(draw), (draws) => {
      const totals = (['day', 'provider', 'channel'] as const).map((by) =>
        totalOfHub(hubEarningsBy(by, draws)),
      )
      expect(totals[1]).toEqual(totals[0])
      expect(totals[2]).toEqual(totals[0])
      expect(totals[0]?.fees).toBe(draws.reduce((sum, { fee }) => sum + fee, 0n))
    }),
  )
})
