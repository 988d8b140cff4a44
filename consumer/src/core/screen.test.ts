import { bytes, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { liveLine, shortTokens, wrapped } from './screen.js'

const glance = {
  state: 'connected',
  downBytes: bytes(31_420_000n),
  upBytes: bytes(1_020_000n),
  bytesPerSecond: 3_012_500,
  spent: wei(1_650_000_000_000_000n),
  capLeft: bytes(17_560_000n),
  budgetLeft: undefined,
  latencyMs: 2.7,
}
const token = { decimals: 18, symbol: 'PTT' }

describe('the live line', () => {
  it('fits 160 columns with everything', () => {
    expect(liveLine(glance, token, 160)).toBe(
      'connected  down 31.42 MB  up 1.02 MB  spent 0.00165 PTT  left 17.56 MB  24.1 Mbit/s  paid in 3 ms',
    )
  })

  it('names what carries the tunnel, where there is room', () => {
    expect(liveLine({ ...glance, carrier: 'wss' }, token, 160)).toMatch(/paid in 3 ms {2}by wss$/)
  })

  it('says what is left of a budget, never more than there is', () => {
    expect(liveLine({ ...glance, budgetLeft: wei(998_349_999_999_999_999n) }, token, 160)).toContain(
      'left 17.56 MB  budget left 0.998349 PTT  24.1 Mbit/s',
    )
  })

  it('fits 80 columns without the least important', () => {
    const line = liveLine(glance, token, 80)
    expect(line).toBe('connected  down 31.42 MB  up 1.02 MB  spent 0.00165 PTT  left 17.56 MB')
    expect(line.length).toBeLessThanOrEqual(80)
  })

  it('fits any width', () => {
    for (let columns = 1; columns < 120; columns++)
      expect(liveLine(glance, token, columns).length).toBeLessThanOrEqual(columns)
  })
})

describe('short amounts', () => {
  it('never show less than was spent', () => {
    expect(shortTokens(wei(1n), 18)).toBe('0.000001')
    expect(shortTokens(wei(0n), 18)).toBe('0')
    expect(shortTokens(wei(5n * 10n ** 18n), 18)).toBe('5')
    expect(shortTokens(wei(1_500_000n), 6)).toBe('1.5')
  })
})

describe('a sentence', () => {
  it('breaks between fields, else between words, and is indented after the first line', () => {
    expect(wrapped('one two  three four', 10)).toBe('one two\n    three\n    four')
    expect(wrapped('DE  1 PTT/GB  no faults', 16)).toBe('DE  1 PTT/GB\n    no faults')
    expect(wrapped('  short', 10)).toBe('  short')
    expect(wrapped(`0x${'a'.repeat(40)}  DE`, 20)).toBe(`0x${'a'.repeat(40)}\n    DE`)
  })
})
