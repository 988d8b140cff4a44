import { address, type Hex, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { type DrawMoment, planDraws, type Undrawn } from './drawPolicy.js'

const provider = address(`0x${'1'.repeat(40)}`)
const held = (n: number, amount: bigint, more: Partial<Record<keyof Undrawn, bigint | number>> = {}) =>
  ({
    channelId: `0x${String(n).padStart(64, '0')}` as Hex,
    provider,
    amount: wei(amount),
    drawn: wei(0n),
    balance: wei(10_000n),
    collateralUntil: undefined,
    guaranteedUntil: 0,
    ...more,
  }) as Undrawn
const rich = { balance: wei(1_000n), pendingWithdrawal: wei(0n) }
/** What the ledger says of these promises together. */
const plan = (
  orders: readonly Undrawn[],
  owed: bigint,
  pool: typeof rich,
  given: typeof policy,
  at: DrawMoment,
) =>
  planDraws(
    orders,
    {
      owed: wei(owed),
      undrawn: wei(
        orders.reduce((sum, { amount, drawn, balance }) => sum + (balance > 0n ? amount - drawn : 0n), 0n),
      ),
      urgent: true,
      pool,
    },
    given,
    at,
  )
const policy = { drawAbove: wei(100n), guaranteeSeconds: 400 }
const moment = (now: number, more: Partial<DrawMoment> = {}): DrawMoment => ({
  ...{ now, smallDrawsAt: [], forced: false },
  ...more,
})

describe('what to draw', () => {
  it('waits while it is not worth the gas', () => {
    expect(plan([held(1, 99n)], 99n, rich, policy, moment(0))).toEqual([])
  })

  it('is everything once it is worth it', () => {
    const both = [held(1, 60n), held(2, 40n)]
    expect(plan(both, 100n, rich, policy, moment(0))).toEqual(both)
  })

  it('is everything when half of the pool would be needed', () => {
    const small = held(1, 20n)
    const low = { balance: wei(30n), pendingWithdrawal: wei(0n) }
    expect(plan([small], 20n, low, policy, moment(0))).toEqual([small])
  })

  it('is everything when somebody waits for it', () => {
    expect(plan([held(1, 1n)], 0n, rich, policy, moment(0, { forced: true }))).toHaveLength(1)
  })

  it('is no single unit for the eleventh time in five minutes, however low the pool', () => {
    const smallDrawsAt = Array.from({ length: 10 }, (_, n) => n)
    const planned = (amount: bigint, now: number) =>
      plan([held(1, amount)], 0n, rich, policy, moment(now, { forced: true, smallDrawsAt }))
    expect(planned(1n, 20)).toEqual([])
    expect(planned(100n, 20)).toHaveLength(1)
    expect(planned(1n, 301)).toHaveLength(1)
  })

  it('never includes what was drawn, or what an empty channel cannot give', () => {
    const dead = [held(1, 500n, { drawn: 500n }), held(2, 500n, { balance: 0n })]
    expect(plan(dead, 0n, rich, policy, moment(0, { forced: true }))).toEqual([])
  })

  it('is what may soon find its channel empty, the first to end first, then what brings in most', () => {
    const many = Array.from({ length: 60 }, (_, n) => held(n, BigInt(1 + n)))
    const leaving = held(100, 1n, { collateralUntil: 7_000 })
    const chosen = plan([...many, leaving], 0n, rich, policy, moment(0))
    expect(chosen).toHaveLength(61)
    expect([chosen[0], chosen[1]]).toEqual([leaving, many[59]])
  })
})

describe('a small promise on a channel that is being left or protested', () => {
  const due = (now: number, more: Parameters<typeof held>[2], smallDrawsAt: readonly number[] = []) =>
    plan([held(1, 5n, more), held(2, 50n)], 55n, rich, policy, moment(now, { smallDrawsAt })).length

  it('waits for a guarantee’s life before the end, and comes alone', () => {
    expect(due(599, { collateralUntil: 1_000 })).toBe(0)
    expect(due(600, { collateralUntil: 1_000 })).toBe(1)
  })

  it('is drawn while its guarantee still lives', () => {
    expect(due(299, { collateralUntil: 9_000, guaranteedUntil: 400 })).toBe(0)
    expect(due(300, { collateralUntil: 9_000, guaranteedUntil: 400 })).toBe(1)
    expect(due(400, { collateralUntil: 9_000, guaranteedUntil: 400 })).toBe(0)
  })

  it('is drawn again a few times before the end, whoever clears a unit each second', () => {
    const drawnAt: number[] = []
    for (let now = 0; now < 1_000; now++)
      if (due(now, { collateralUntil: 1_000 }, drawnAt) > 0) drawnAt.push(now)
    expect(drawnAt[0]).toBe(600)
    expect(drawnAt.at(-1)).toBeGreaterThanOrEqual(998)
    expect(drawnAt.length).toBeLessThanOrEqual(20)
  })

  it('is not drawn at each clear once an end is past that nobody brings about', () => {
    expect(due(1_010, { collateralUntil: 1_000 }, [1_000])).toBe(0)
    expect(due(1_060, { collateralUntil: 1_000 }, [1_000])).toBe(1)
  })
})
