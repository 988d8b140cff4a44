import { expect, test } from 'vitest'
import { measureYardsticks } from './yardsticks.js'

test('every yardstick is measured, on papers whose signer ethers reads as the hub does', () => {
  const rates = Object.values(measureYardsticks(40))
  expect(rates).toHaveLength(4)
  expect(Math.min(...rates)).toBeGreaterThan(0)
})
