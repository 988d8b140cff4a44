import { wei } from '@pontage/shared'
import { expect, it } from 'vitest'
import { isWorthSettling } from './protestPolicy.js'

const protest = { protested: wei(1_000n), drawn: wei(0n), balance: wei(5_000n), isEnding: false }

it('settles for a fee above the gas', () => {
  expect(isWorthSettling(protest, 200, wei(19n))).toBe(true)
  expect(isWorthSettling(protest, 200, wei(20n))).toBe(false)
})

it('counts the fee on what the channel can still give, and on what is not drawn yet', () => {
  expect(isWorthSettling({ ...protest, balance: wei(0n) }, 200, wei(0n))).toBe(false)
  expect(isWorthSettling({ ...protest, drawn: wei(1_000n) }, 200, wei(0n))).toBe(false)
})

it('settles at any price what an end waits for', () => {
  expect(isWorthSettling({ ...protest, isEnding: true }, 0, wei(10n ** 20n))).toBe(true)
})
