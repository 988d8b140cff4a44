import type { Address } from '@pontage/shared'
import type { StandingOnChain } from '@pontage/shared/node'
import { describe, expect, it } from 'vitest'
import { Standings } from './standings.js'

const who = (number: number) => `0x${number.toString(16).padStart(40, '0')}` as Address
const consumerRole = 1
const standing = (activeRoles: number, debt = 0n) => ({ activeRoles, debt, stake: 5n }) as StandingOnChain

/** A chain on which identities below 100 are registered; counts what it is asked. */
function chain() {
  const asked: Address[] = []
  let now = 0
  const open: (() => void)[] = []
  const standings = new Standings(
    async (identity) => {
      asked.push(identity)
      if (slow.on) await new Promise<void>((resolve) => open.push(resolve))
      return standing(Number(BigInt(identity)) < 100 ? consumerRole : 0)
    },
    () => now,
  )
  const slow = { on: false }
  return { standings, asked, slow, open, pass: (ms: number) => (now += ms) }
}

describe('an identity that asks for terms', () => {
  it('is refused as long as it is not registered as a consumer', async () => {
    const { standings } = chain()
    expect(await standings.judge(who(1))).toEqual({ ok: true, stake: 5n })
    expect(await standings.judge(who(200))).toMatchObject({ refusal: { code: 'not-registered' } })
  })

  it('costs one look-up of the chain in ten seconds, however often it asks', async () => {
    const { standings, asked, pass } = chain()
    for (let time = 0; time < 1_000; time++) await standings.judge(who(200))
    expect(asked).toHaveLength(1)
    pass(10_000)
    await standings.judge(who(200))
    expect(asked).toHaveLength(2)
  })

  it('does not wait for the look-ups of more than sixteen others, and a known one for none', async () => {
    const { standings, asked, slow, open } = chain()
    await standings.judge(who(1))
    slow.on = true
    const waiting = Array.from({ length: 100 }, (_, number) => standings.judge(who(1_000 + number)))
    expect(asked).toHaveLength(17)
    expect(await waiting.at(-1)).toMatchObject({ refusal: { code: 'too-many-under-way' } })
    expect(await standings.judge(who(1))).toEqual({ ok: true, stake: 5n })
    for (const answer of open) answer()
    expect(await waiting[0]).toMatchObject({ refusal: { code: 'not-registered' } })
  })
})
