import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  amountText,
  formatBytes,
  formatPrice,
  formatTokens,
  formatTrafficPrice,
  parseBytes,
  parseTimePrice,
  parseTokens,
  parseTrafficPrice,
} from './quantity.js'

describe('sizes as people type them', () => {
  it.each([
    ['500MB', 500_000_000n],
    ['1.5 GB', 1_500_000_000n],
    ['750000B', 750_000n],
    ['0.001kB', 1n],
  ])('reads %s', (text, expected) => expect(parseBytes(text)).toBe(expected))

  it.each(['500', 'MB', '-5MB', '1.5B', '5 MiB', '1..5MB', '', '1e3MB'])(
    'refuses %j and says what is expected',
    (text) =>
      expect(() => parseBytes(text)).toThrow(
        `"${text}" is not a size: expected a number with B, kB, MB, GB or TB`,
      ),
  )

  it.each([
    [999n, '999 B'],
    [1_000n, '1.00 kB'],
    [31_429_999n, '31.42 MB'],
    [2_000_000_000n, '2.00 GB'],
  ])('shows %s bytes as %s', (size, text) => expect(formatBytes(size)).toBe(text))
})

describe('amounts of tokens', () => {
  it('reads back what it shows, to the unit', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 30n }),
        fc.integer({ min: 0, max: 24 }),
        (amount, decimals) => {
          expect(parseTokens(formatTokens(amount, decimals), decimals)).toBe(amount)
        },
      ),
    )
  })

  it('reads every amount a token can have, however long', () => {
    expect(parseTokens((2n ** 256n - 1n).toString(), 0)).toBe(2n ** 256n - 1n)
  })

  it('refuses what is finer than the token', () =>
    expect(() => parseTokens('0.1234567', 6)).toThrow('too many decimals: the token has 6'))

  it.each(['1,5', 'abc', '-1', ''])('refuses %j', (text) =>
    expect(() => parseTokens(text, 18)).toThrow('not an amount'),
  )
})

describe('prices', () => {
  it('reads tokens per gigabyte as wei per megabyte', () =>
    expect(parseTrafficPrice('0.05/GB', 18)).toBe(50_000_000_000_000n))
  it('refuses a price without its unit', () =>
    expect(() => parseTrafficPrice('0.05', 18)).toThrow('expected tokens per MB, GB or TB, such as 0.05/GB'))
  it('refuses a price that is no whole number of wei per megabyte', () =>
    expect(() => parseTrafficPrice('0.0005/GB', 6)).toThrow('round it'))
  it('are printed with the token, and with the time only where it costs something', () => {
    const token = { decimals: 18, symbol: 'PTT' }
    const traffic = parseTrafficPrice('20/GB', 18)
    expect(formatTrafficPrice(traffic, token)).toBe('20 PTT/GB')
    expect(formatPrice(traffic, parseTimePrice('0/h', 18), token)).toBe('20 PTT/GB')
    expect(formatPrice(traffic, parseTimePrice('0.01/h', 18), token)).toBe('20 PTT/GB + 0.01 PTT/h')
  })
  it('reads tokens per hour', () => expect(parseTimePrice('0.01/h', 6)).toBe(10_000n))
})

describe('a currency beside a token', () => {
  const token = { decimals: 6, symbol: 'USDX', fiat: { currency: 'EUR', rate: '0.92' } }

  it.each([
    [12_500_000n, '12.5 USDX (11.50 EUR)'],
    [0n, '0 USDX (0.00 EUR)'],
    [1_000n, '0.001 USDX (0.00092 EUR)'],
    [1n, '0.000001 USDX (0.000000920 EUR)'],
  ])('is shown in cents, or as far as it counts: %s', (amount, text) =>
    expect(amountText(amount, token)).toBe(text),
  )

  it('stands beside prices too, and nowhere where none is set', () => {
    expect(formatTrafficPrice(parseTrafficPrice('20/GB', 6), token)).toBe('20 USDX/GB (18.40 EUR/GB)')
    expect(amountText(5_000_000n, { decimals: 6, symbol: 'USDX' })).toBe('5 USDX')
  })
})
