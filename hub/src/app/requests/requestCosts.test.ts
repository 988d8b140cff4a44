import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pageCostOf } from './requestCosts.js'

const limit = fc.oneof(
  fc.string(),
  fc.integer().map(String),
  fc.double().map(String),
  fc.constantFrom('-1000', '-Infinity', '0', '-0', '1e99', 'NaN', '0x10'),
)
const path = fc.constantFrom('/proposals', '/liabilities', '/liabilities/leaf', '/about', '/toString', '/')

it('gives nobody anything back for a page, whatever is asked for', () => {
  fc.assert(
    fc.property(path, limit, (asked, text) => {
      const cost = pageCostOf(asked, new URLSearchParams({ limit: text }))
      expect(cost).toBeGreaterThanOrEqual(1)
      expect(cost).toBeLessThanOrEqual(400)
    }),
  )
})

it('takes more for a longer list', () => {
  const costs = ['1', '50', '100'].map((text) =>
    pageCostOf('/proposals', new URLSearchParams({ limit: text })),
  )
  expect(costs).toEqual(costs.toSorted((a, b) => a - b))
  expect(pageCostOf('/proposals', new URLSearchParams())).toBe(costs[1])
})
