import fc from 'fast-check'
import { expect, it } from 'vitest'
import { larger, least, smaller } from './order.js'

it('finds the larger, the smaller and the least', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt(), { minLength: 1 }), (amounts) => {
      const sorted = [...amounts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      expect(least(amounts)).toBe(sorted[0])
      expect(amounts.reduce(smaller)).toBe(sorted[0])
      expect(amounts.reduce(larger)).toBe(sorted.at(-1))
    }),
  )
})

it('passes over what is not set', () => {
  expect(least([undefined, 5n, undefined, 3n])).toBe(3n)
  expect(least([undefined])).toBeUndefined()
})
