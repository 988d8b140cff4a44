import { address, bytes, type Hex, unixSeconds, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { judgeTerms } from './terms.js'

const provider = address(`0x${'a1'.repeat(20)}`)
const consumer = address(`0x${'c1'.repeat(20)}`)
const channelId = `0x${'01'.repeat(32)}` as Hex
const limits = {
  provider,
  consumer,
  channelId,
  price: { perMegabyte: weiPerMegabyte(50n), perHour: weiPerHour(7n) },
  maxPrice: { perHour: weiPerHour(7n) },
  now: unixSeconds(1_000),
}
const terms = {
  provider,
  consumer,
  channelId,
  pricePerMegabyte: weiPerMegabyte(50n),
  pricePerHour: weiPerHour(7n),
  creditBytes: bytes(2_000_000n),
  issuedAt: unixSeconds(1_000),
  validUntil: unixSeconds(5_000),
}
const codeOf = (changed: object, more: object = {}) => {
  const verdict = judgeTerms({ ...terms, ...changed }, { ...limits, ...more })
  return verdict.ok ? 'ok' : verdict.refusal.code
}

describe('terms', () => {
  it('are taken at the price in force, or below', () => {
    expect(codeOf({})).toBe('ok')
    expect(codeOf({ pricePerMegabyte: 49n, pricePerHour: 0n })).toBe('ok')
  })

  it('are refused when dearer than the chain says', () => {
    expect(codeOf({ pricePerMegabyte: 51n })).toBe('terms-differ')
    expect(codeOf({ pricePerHour: 8n })).toBe('terms-differ')
  })

  it('are refused above the user’s own limit', () => {
    expect(codeOf({}, { maxPrice: { ...limits.maxPrice, perMegabyte: weiPerMegabyte(49n) } })).toBe(
      'price-too-high',
    )
    expect(codeOf({}, { maxPrice: { ...limits.maxPrice, perMegabyte: weiPerMegabyte(50n) } })).toBe('ok')
  })

  it('are refused when they charge for time and the user allowed no price for it', () => {
    expect(codeOf({}, { maxPrice: {} })).toBe('hour-too-dear')
    expect(codeOf({ pricePerHour: 0n }, { maxPrice: {} })).toBe('ok')
  })

  it('are refused when they are somebody else’s', () => {
    expect(codeOf({ provider: consumer })).toBe('terms-differ')
    expect(codeOf({ consumer: provider })).toBe('terms-differ')
    expect(codeOf({ channelId: `0x${'02'.repeat(32)}` })).toBe('terms-differ')
  })

  it('are refused when not issued within a minute of this clock, or run out', () => {
    expect(codeOf({ issuedAt: 940 })).toBe('ok')
    expect(codeOf({ issuedAt: 939 })).toBe('stale-terms')
    expect(codeOf({ issuedAt: 1_061 })).toBe('stale-terms')
    expect(codeOf({ validUntil: 999 })).toBe('stale-terms')
  })
})
