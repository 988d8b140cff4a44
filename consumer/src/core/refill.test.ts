import { wei } from '@pontage/shared'
import { expect, it } from 'vitest'
import { refillOf, refillsLeft } from './refill.js'

const rule = { amount: wei(5n), below: wei(2n), perMonth: wei(12n) }

it('refills a channel that holds less than it should, and no other', () => {
  expect(refillOf(rule, wei(2n), wei(0n))).toBe('enough')
  expect(refillOf(rule, wei(1n), wei(0n))).toBe('add')
  expect(refillOf(rule, wei(0n), wei(7n))).toBe('add')
})

it('adds no more in a month than was allowed', () => {
  expect(refillOf(rule, wei(0n), wei(8n))).toBe('limit')
  expect(refillOf(rule, wei(2n), wei(12n))).toBe('enough')
})

it('says what may still be added: whole refills only', () => {
  expect(refillsLeft(rule, wei(0n))).toBe(10n)
  expect(refillsLeft(rule, wei(5n))).toBe(5n)
  expect(refillsLeft(rule, wei(10n))).toBe(0n)
  expect(refillsLeft(rule, wei(20n))).toBe(0n)
})
