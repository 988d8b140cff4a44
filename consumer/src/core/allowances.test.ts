import { type Bytes, wei } from '@pontage/shared'
import { expect, it } from 'vitest'
import { allowancesOf, isNearlyUsed } from './allowances.js'

const bytes = (count: bigint) => count as Bytes

it('counts what earlier sessions of a connection used, which the limits have taken off already', () => {
  const atStart = { left: { cap: bytes(60n), budget: undefined }, channel: wei(100n) }
  const now = allowancesOf(
    atStart,
    { bytes: bytes(20n), spent: wei(7n) },
    { bytes: bytes(40n), spent: wei(3n) },
  )
  expect(now.cap).toEqual({ used: 60n, left: 40n })
  expect(now.budget).toBeUndefined()
  expect(now.channel).toEqual({ used: 10n, left: 93n })
})

it('never says that less than nothing is left', () => {
  const now = allowancesOf(
    { left: { cap: undefined, budget: wei(5n) }, channel: wei(5n) },
    { bytes: bytes(0n), spent: wei(6n) },
    { bytes: bytes(0n), spent: wei(0n) },
  )
  expect(now.budget?.left).toBe(0n)
})

it('is nearly used from four fifths on', () => {
  expect(isNearlyUsed({ used: 79n, left: 21n })).toBe(false)
  expect(isNearlyUsed({ used: 80n, left: 20n })).toBe(true)
  expect(isNearlyUsed({ used: 0n, left: 0n })).toBe(false)
})
