import { type Address, type Hex, unixSeconds, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { isNearlyOver, isPastHalf, judgeGuarantee } from './guarantee.js'

const provider = `0x${'aa'.repeat(20)}` as Address
const channelId: Hex = `0x${'11'.repeat(32)}`
const expected = {
  hub: `0x${'bb'.repeat(20)}` as Address,
  provider,
  channelId,
  above: wei(50n),
  now: unixSeconds(1_000),
  maxGuaranteeSeconds: 600,
}
const guarantee = { provider, channelId, ceiling: wei(60n), expiresAt: unixSeconds(1_500) }

describe('a guarantee', () => {
  it('is relied on when it is for us, for this channel, alive, and worth something', () => {
    expect(judgeGuarantee(guarantee, expected).ok).toBe(true)
  })

  it.each([
    ['for somebody else', { provider: expected.hub }],
    ['for another channel', { channelId: `0x${'12'.repeat(32)}` as Hex }],
    ['over already', { expiresAt: unixSeconds(1_000) }],
    ['longer than a draw honours', { expiresAt: unixSeconds(1_601) }],
    ['no higher than what is promised', { ceiling: wei(50n) }],
  ])('is refused when it is %s', (_what, change) => {
    const verdict = judgeGuarantee({ ...guarantee, ...change }, expected)
    expect(verdict.ok ? undefined : verdict.refusal.code).toBe('hub-unsound')
  })
})

describe('the life of a guarantee', () => {
  const hour = { receivedAt: unixSeconds(1_000), expiresAt: 4_600 }
  it('has a second half, in which it should be renewed', () => {
    expect(isPastHalf(hour, unixSeconds(2_799))).toBe(false)
    expect(isPastHalf(hour, unixSeconds(2_800))).toBe(true)
  })
  it('has an end that is left for drawing', () => {
    expect(isNearlyOver(hour, unixSeconds(4_479))).toBe(false)
    expect(isNearlyOver(hour, unixSeconds(4_480))).toBe(true)
    expect(isNearlyOver({ receivedAt: unixSeconds(0), expiresAt: 20 }, unixSeconds(14))).toBe(false)
    expect(isNearlyOver({ receivedAt: unixSeconds(0), expiresAt: 20 }, unixSeconds(15))).toBe(true)
  })
})
