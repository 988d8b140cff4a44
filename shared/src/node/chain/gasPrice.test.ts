import fc from 'fast-check'
import { expect, it } from 'vitest'
import { capped, raised } from './gasPrice.js'

const price = fc
  .tuple(fc.bigInt(1n, 10n ** 13n), fc.bigInt(0n, 10n ** 12n))
  .map(([whole, tip]) => capped({ maxFeePerGas: whole, maxPriorityFeePerGas: tip }, whole))
const ceiling = fc.bigInt(1n, 10n ** 13n)

it('raises both figures by an eighth at least, and never above the ceiling', () => {
  fc.assert(
    fc.property(price, price, ceiling, (before, market, most) => {
      const next = raised(before, market, most)
      if (!next) return
      expect(next.maxFeePerGas * 8n >= before.maxFeePerGas * 9n).toBe(true)
      expect(next.maxPriorityFeePerGas * 8n >= before.maxPriorityFeePerGas * 9n).toBe(true)
      expect(next.maxFeePerGas <= most).toBe(true)
      expect(next.maxPriorityFeePerGas <= next.maxFeePerGas).toBe(true)
    }),
  )
})

it('follows the market where that is dearer than a step', () => {
  const before = { maxFeePerGas: 100n, maxPriorityFeePerGas: 10n }
  const market = { maxFeePerGas: 500n, maxPriorityFeePerGas: 20n }
  expect(raised(before, market, 1_000n)).toEqual(market)
})

it('offers nothing more once the ceiling leaves no room for a step', () => {
  const before = { maxFeePerGas: 95n, maxPriorityFeePerGas: 10n }
  expect(raised(before, before, 100n)).toBeUndefined()
})
