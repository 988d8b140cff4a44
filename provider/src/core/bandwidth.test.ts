import { describe, expect, it } from 'vitest'
import { creditFor, formatBandwidth, parseBandwidth } from './bandwidth.js'

describe('a bandwidth', () => {
  it('is read with its unit, and printed so that it is read the same', () => {
    expect(parseBandwidth('50Mbit')).toBe(50_000_000n)
    expect(parseBandwidth('1500 kbit/s')).toBe(1_500_000n)
    expect(parseBandwidth('none')).toBeUndefined()
    for (const text of ['50Mbit', '1500kbit', '2000Mbit', 'none'])
      expect(formatBandwidth(parseBandwidth(text))).toBe(text)
  })

  it.each(['', '50', '50MB', '1kbit', '-1Mbit', '9999999Mbit', '500Gbit', '50Mbit drop'])(
    'is not %j',
    (text) => expect(() => parseBandwidth(text)).toThrow(/is not a bandwidth/),
  )

  it('needs 200 ms of itself as credit', () => {
    expect(creditFor(80_000_000n)).toBe(2_000_000n)
    expect(creditFor(1_000_000_000n)).toBe(25_000_000n)
  })
})
