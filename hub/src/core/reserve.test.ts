import { type Address, address, type Hex, larger, wei } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ChannelLine, emptyTab, type Tab, tabOf } from './channelLine.js'
import { judgeReservation, reservedBy } from './reserve.js'

const who = (digit: number): Address => address(`0x${String(digit).repeat(40)}`)
const line = (balance: bigint, tabs: Tab[] = [], more: Partial<ChannelLine> = {}): ChannelLine => ({
  channelId: `0x${'ab'.repeat(32)}` as Hex,
  consumer: who(9),
  nonce: 1,
  status: 'open',
  balance: wei(balance),
  exitAt: 0,
  closing: false,
  tabs,
  ...more,
})
const tab = (
  provider: number,
  part: Partial<Record<'liveCeiling' | 'cleared' | 'protested' | 'drawn', bigint>>,
) => ({ ...emptyTab(who(provider)), ...part }) as Tab

describe('a reservation', () => {
  it('fits while what is free covers the ceiling', () => {
    expect(judgeReservation(line(100n), who(1), wei(100n))).toEqual({ ok: true, reserved: 100n })
  })

  it('is refused with what would be free when it is too large', () => {
    const taken = line(100n, [tab(1, { liveCeiling: 70n })])
    expect(judgeReservation(taken, who(2), wei(31n))).toMatchObject({
      refusal: { code: 'insufficient-collateral', available: 30n },
    })
    expect(judgeReservation(taken, who(2), wei(30n)).ok).toBe(true)
  })

  it('counts running totals: what was drawn already needs no collateral again', () => {
    const drawn = line(40n, [tab(1, { liveCeiling: 60n, cleared: 60n, drawn: 60n })])
    expect(judgeReservation(drawn, who(1), wei(100n))).toEqual({ ok: true, reserved: 40n })
    expect(judgeReservation(drawn, who(1), wei(101n))).toMatchObject({ refusal: { available: 100n } })
  })

  it('counts a protest, and what was cleared under a guarantee that has ended', () => {
    const claims = line(100n, [tab(1, { protested: 40n }), tab(2, { cleared: 50n })])
    expect(judgeReservation(claims, who(3), wei(11n)).ok).toBe(false)
    expect(judgeReservation(claims, who(3), wei(10n)).ok).toBe(true)
  })

  it.each([
    [{ status: 'none' as const }, 'unknown-channel'],
    [{ status: 'closed' as const }, 'channel-closing'],
    [{ closing: true }, 'channel-closing'],
    [{ exitAt: 5 }, 'exit-begun'],
  ])('is refused on a channel with %j', (more, code) => {
    expect(judgeReservation(line(100n, [], more), who(1), wei(1n))).toMatchObject({ refusal: { code } })
  })

  it('never lets the claims on a channel exceed its balance, in whatever order they come', () => {
    const step = fc.record({
      provider: fc.integer({ min: 1, max: 4 }),
      act: fc.constantFrom('guarantee', 'clear', 'draw', 'expire') as fc.Arbitrary<
        'guarantee' | 'clear' | 'draw' | 'expire'
      >,
      amount: fc.bigInt(0n, 400n),
    })
    fc.assert(
      fc.property(fc.bigInt(0n, 1_000n), fc.array(step, { maxLength: 60 }), (balance, steps) => {
        let channel = line(balance)
        for (const { provider, act, amount } of steps) {
          const before = tabOf(channel, who(provider))
          let after = before
          let left: bigint = channel.balance
          if (act === 'guarantee' && judgeReservation(channel, who(provider), wei(amount)).ok)
            after = { ...before, liveCeiling: larger(before.liveCeiling, wei(amount)) }
          if (act === 'clear' && amount <= before.liveCeiling)
            after = { ...before, cleared: larger(before.cleared, wei(amount)) }
          if (
            act === 'draw' &&
            amount <= larger(before.cleared, before.liveCeiling) &&
            amount > before.drawn
          ) {
            after = { ...before, drawn: wei(amount) }
            left -= amount - before.drawn
          }
          if (act === 'expire') after = { ...before, liveCeiling: wei(0n) }
          const others = channel.tabs.filter((each) => each.provider !== who(provider))
          channel = { ...channel, balance: wei(left), tabs: [...others, after] }
          expect(reservedBy(channel.tabs)).toBeLessThanOrEqual(channel.balance)
        }
      }),
      { numRuns: 300 },
    )
  })
})
