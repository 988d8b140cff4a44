import { address, type Hex, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { drawsInBatch, planDraws } from './drawPolicy.js'

const provider = address(`0x${'1'.repeat(40)}`)
const held = (n: number, amount: bigint, drawn = 0n, urgent = false) => ({
  channelId: `0x${String(n).padStart(64, '0')}` as Hex,
  provider,
  amount: wei(amount),
  drawn: wei(drawn),
  urgent,
})
const rich = { balance: wei(1_000n), pendingWithdrawal: wei(0n) }
const owing = (total: bigint) => [{ provider, total: wei(total), credited: wei(0n), paid: wei(0n) }]
const policy = { drawAbove: wei(100n) }

describe('what to draw', () => {
  it('waits while it is not worth the gas', () => {
    expect(planDraws([held(1, 99n)], owing(99n), rich, policy, false)).toEqual([])
  })

  it('is everything once it is worth it', () => {
    const both = [held(1, 60n), held(2, 40n)]
    expect(planDraws(both, owing(100n), rich, policy, false)).toEqual(both)
  })

  it('is at once what is being left or protested, and only that', () => {
    const urgent = held(2, 5n, 0n, true)
    expect(planDraws([held(1, 50n), urgent], owing(55n), rich, policy, false)).toEqual([urgent])
  })

  it('is everything when half of the pool would be needed', () => {
    const small = held(1, 20n)
    const low = { balance: wei(30n), pendingWithdrawal: wei(0n) }
    expect(planDraws([small], owing(20n), low, policy, false)).toEqual([small])
  })

  it('is everything when somebody waits for it', () => {
    expect(planDraws([held(1, 1n)], owing(0n), rich, policy, true)).toHaveLength(1)
  })

  it('never includes what was drawn', () => {
    expect(planDraws([held(1, 500n, 500n, true)], owing(0n), rich, policy, true)).toEqual([])
  })

  it('fits one transaction, the urgent and the largest first', () => {
    const many = Array.from({ length: 60 }, (_, n) => held(n, BigInt(1 + n), 0n, n === 7))
    const chosen = planDraws(many, owing(0n), rich, policy, false)
    expect(chosen).toHaveLength(drawsInBatch)
    expect(chosen[0]).toBe(many[7])
    expect(chosen[1]).toBe(many[59])
  })
})
