import { type Address, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { type AccessPolicy, judgeName, judgeStanding } from './accessPolicy.js'

const [alice, bob] = [`0x${'a1'.repeat(20)}`, `0x${'b0'.repeat(20)}`] as [Address, Address]
const everybody: AccessPolicy = { allow: [], deny: [], minStake: wei(0n), minAgeSeconds: 0 }
const code = (verdict: ReturnType<typeof judgeName>) => (verdict.ok ? 'ok' : verdict.refusal.code)

describe('access', () => {
  it('is everybody’s where nothing is said', () => {
    expect(code(judgeName(alice, everybody))).toBe('ok')
    expect(code(judgeStanding({ stake: wei(0n), registeredAt: 0 }, 1_000, everybody))).toBe('ok')
  })

  it('is nobody else’s where somebody is named, and never that of a denied one', () => {
    expect(code(judgeName(bob, { ...everybody, allow: [alice] }))).toBe('not-admitted')
    expect(code(judgeName(alice, { ...everybody, allow: [alice] }))).toBe('ok')
    expect(code(judgeName(alice, { ...everybody, allow: [alice], deny: [alice] }))).toBe('not-admitted')
  })

  it('asks for stake and age', () => {
    const policy = { ...everybody, minStake: wei(10n), minAgeSeconds: 60 }
    const judge = (stake: bigint, registeredAt: number) =>
      code(judgeStanding({ stake: wei(stake), registeredAt }, 1_000, policy))
    expect(judge(9n, 1)).toBe('stake-too-low')
    expect(judge(10n, 941)).toBe('too-young')
    expect(judge(10n, 940)).toBe('ok')
    expect(judge(10n, 0)).toBe('too-young')
  })
})
