import { type Address, type Hex, wei } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CreditLine, judgePromise } from './creditLine.js'

const line: CreditLine = {
  channelId: `0x${'11'.repeat(32)}` as Hex,
  consumer: `0x${'22'.repeat(20)}` as Address,
  accepted: wei(60n),
  ceiling: wei(100n),
  released: false,
}
const codeOf = (verdict: ReturnType<typeof judgePromise>) =>
  verdict.ok ? verdict.credit : verdict.refusal.code

describe('a promise', () => {
  it('adds what it is above the last one', () => expect(codeOf(judgePromise(line, wei(75n)))).toBe(15n))
  it('adds nothing when it repeats the last one, also after a release', () => {
    expect(codeOf(judgePromise(line, wei(60n)))).toBe(0n)
    expect(codeOf(judgePromise({ ...line, released: true }, wei(60n)))).toBe(0n)
  })
  it('is refused below the last one', () =>
    expect(codeOf(judgePromise(line, wei(59n)))).toBe('below-accepted'))
  it('is refused above the ceiling', () => expect(codeOf(judgePromise(line, wei(101n)))).toBe('over-ceiling'))
  it('is refused without a guarantee', () =>
    expect(codeOf(judgePromise({ ...line, ceiling: undefined }, wei(61n)))).toBe('no-guarantee'))
  it('is refused on a channel that was released', () =>
    expect(codeOf(judgePromise({ ...line, released: true }, wei(61n)))).toBe('channel-closing'))

  it('never lets credits sum above the ceiling', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 200n })), (amounts) => {
        let now: CreditLine = { ...line, accepted: wei(0n) }
        let sum = 0n
        for (const amount of amounts) {
          const verdict = judgePromise(now, wei(amount))
          if (!verdict.ok) continue
          sum += verdict.credit
          now = { ...now, accepted: wei(amount) }
        }
        expect(sum).toBe(now.accepted)
        expect(sum).toBeLessThanOrEqual(100n)
      }),
    )
  })
})
