import { expect, it } from 'vitest'
import { closestTo } from './closest.js'

const settings = ['max-price', 'max-gas-price', 'cap', 'budget', 'port', 'host', 'prepay']

it.each([
  ['max-prize', 'max-price'],
  ['maxprice', 'max-price'],
  ['budgte', 'budget'],
  ['prot', 'port'],
  ['caps', 'cap'],
  ['max-gas-prize', 'max-gas-price'],
])('takes %s for %s', (word, meant) => {
  expect(closestTo(word, settings)).toBe(meant)
})

it.each(['colour', 'x', 'interface'])('takes %s for nothing', (word) => {
  expect(closestTo(word, settings)).toBeUndefined()
})
