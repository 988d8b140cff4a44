import { bytes } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { lookAgainAfterMs } from './pace.js'

const credit = bytes(2_000_000n)

describe('the pace of looking', () => {
  it('is 50 ms on a quiet line', () => {
    expect(lookAgainAfterMs(bytes(0n), 50, credit)).toBe(50)
    expect(lookAgainAfterMs(bytes(100_000n), 50, credit)).toBe(50)
  })

  it('is four looks for each credit on a fast one', () => {
    expect(lookAgainAfterMs(bytes(1_000_000n), 50, credit)).toBe(25)
  })

  it('slows down by and by after a burst', () => {
    expect(lookAgainAfterMs(bytes(0n), 8, credit, 8)).toBe(10)
    expect(lookAgainAfterMs(bytes(0n), 8, credit, 48)).toBe(50)
  })

  it('leaves the processor time for the traffic', () => {
    expect(lookAgainAfterMs(bytes(500_000_000n), 50, credit)).toBe(8)
  })
})
