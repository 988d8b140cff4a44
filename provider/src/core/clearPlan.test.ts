import { unixSeconds, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { type SettlingChannel, shouldClear, whyDraw } from './clearPlan.js'

const channel = (amount: bigint, cleared: bigint, drawn = 0n): SettlingChannel => ({
  promise: { amount: wei(amount), cleared: wei(cleared), drawn: wei(drawn) },
  guarantee: { ceiling: wei(100n), receivedAt: unixSeconds(1_000), expiresAt: 4_600 },
})
const calm = { ending: false, hubInTrouble: false, overExposed: false }
const early = unixSeconds(1_100)
const late = unixSeconds(2_800)

describe('a promise is shown to the hub', () => {
  it('when it grew', () => {
    expect(shouldClear(channel(60n, 40n), early)).toBe(true)
    expect(shouldClear(channel(60n, 60n), early)).toBe(false)
  })
  it('again when its guarantee is past half its life and it is not drawn', () => {
    expect(shouldClear(channel(60n, 60n), late)).toBe(true)
    expect(shouldClear(channel(60n, 60n, 60n), late)).toBe(false)
  })
})

describe('a promise is drawn without the hub', () => {
  it('when the guarantee was not renewed by half its life, cleared or not', () => {
    expect(whyDraw(channel(60n, 60n), late, calm)).toBe('guarantee nears its end')
    expect(whyDraw(channel(60n, 60n), early, calm)).toBeUndefined()
  })
  it('at once when the channel ends, the hub is not relied on, or the exposure is too large', () => {
    expect(whyDraw(channel(60n, 0n), early, { ...calm, overExposed: true })).toBe(
      'the exposure nears its limit',
    )
    expect(whyDraw(channel(60n, 0n), early, { ...calm, ending: true })).toBe('the channel is ending')
    expect(whyDraw(channel(60n, 0n), early, { ...calm, hubInTrouble: true })).toBe('the hub is not relied on')
  })
  it('not when it is drawn already, up to the ceiling, or no guarantee is live', () => {
    const ending = { ...calm, ending: true }
    expect(whyDraw(channel(60n, 0n, 60n), early, ending)).toBeUndefined()
    expect(whyDraw(channel(160n, 0n, 100n), early, ending)).toBeUndefined()
    expect(whyDraw(channel(60n, 0n), unixSeconds(4_600), ending)).toBeUndefined()
  })
})
