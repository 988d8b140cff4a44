import { address, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { judgeClosing } from './closing.js'

const provider = address(`0x${'a1'.repeat(20)}`)
const stranger = address(`0x${'a2'.repeat(20)}`)
const signed = [{ provider, amount: wei(10n) }]

describe('a final state', () => {
  it('may pay what was signed, or less', () => {
    expect(judgeClosing([{ provider, amount: wei(10n) }], signed).ok).toBe(true)
    expect(judgeClosing([{ provider, amount: wei(9n) }], signed).ok).toBe(true)
    expect(judgeClosing([], signed).ok).toBe(true)
  })

  it('may not pay more, or anybody else', () => {
    for (const draft of [
      { provider, amount: wei(11n) },
      { provider: stranger, amount: wei(1n) },
    ]) {
      const verdict = judgeClosing([draft], signed)
      expect(!verdict.ok && verdict.refusal.code).toBe('unequal-totals')
    }
  })
})
