import { type Address, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { earningsBy, totalOf } from './earnings.js'

const hubs = ['aa', 'bb'].map((byte) => `0x${byte.repeat(20)}` as Address)
const [first, second] = hubs as [Address, Address]
const day = 86_400
const session = (id: string, hub: Address, endedAt: number, base: bigint, promised: bigint) => ({
  ...{ id, hub, at: endedAt, bytes: 1_000n, promised: promised - base },
})
const settlement = (kind: 'draw' | 'redeem' | 'protest', hub: Address, at: number, amount: bigint) => ({
  ...{ kind, hub, at, amount: wei(amount), gasUsed: 100, gasPrice: 7n },
})
const sessions = [
  session('one', first, 5, 0n, 40n),
  session('two', first, day + 5, 40n, 100n),
  session('three', second, day + 6, 0n, 10n),
]
const settlements = [
  settlement('draw', first, day + 7, 100n),
  settlement('redeem', first, day + 8, 98n),
  settlement('protest', second, 2 * day, 10n),
]

describe('earnings', () => {
  it('are added up by day, in order, with the gas of each', () => {
    expect(earningsBy('day', sessions, settlements)).toEqual([
      {
        of: '1970-01-01',
        sessions: 1,
        bytes: 1_000n,
        promised: 40n,
        drawn: 0n,
        redeemed: 0n,
        gas: 0,
        gasPaid: 0n,
      },
      {
        ...{ of: '1970-01-02', sessions: 2, bytes: 2_000n, promised: 70n },
        ...{ drawn: 100n, redeemed: 98n, gas: 200, gasPaid: 1_400n },
      },
      {
        of: '1970-01-03',
        sessions: 0,
        bytes: 0n,
        promised: 0n,
        drawn: 0n,
        redeemed: 0n,
        gas: 100,
        gasPaid: 700n,
      },
    ])
  })

  it('are the same sum by whatever they are added up', () => {
    const { promised } = totalOf(earningsBy('day', sessions, settlements))
    expect(promised).toBe(110n)
    expect(totalOf(earningsBy('session', sessions, settlements)).promised).toBe(promised)
    expect(totalOf(earningsBy('hub', sessions, settlements))).toEqual(
      totalOf(earningsBy('day', sessions, settlements)),
    )
  })

  it('of a hub are what was promised under it, drawn and paid out', () => {
    const [ofFirst, ofSecond] = earningsBy('hub', sessions, settlements)
    expect(ofFirst).toMatchObject({ of: first, promised: 100n, drawn: 100n, redeemed: 98n })
    expect(ofSecond).toMatchObject({ of: second, promised: 10n, redeemed: 0n, gas: 100 })
  })
})
