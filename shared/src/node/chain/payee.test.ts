import { expect, it } from 'vitest'
import { address } from '../../units.js'
import { payee } from './payee.js'

const at = (digit: string) => address(`0x${digit.repeat(40)}`)
const deployment = {
  ...{ chainId: 1, fromBlock: 0, token: at('a'), registry: at('b') },
  ...{ channels: at('c'), marketplace: at('d') },
}

it.each([
  ['0', 'the zero address'],
  ['a', 'the token contract'],
  ['b', 'the registry contract'],
  ['c', 'the channels contract'],
  ['d', 'the marketplace contract'],
])('pays nobody from whom nothing comes back: 0x%s…', (digit, name) => {
  expect(() => payee(at(digit).toUpperCase().replace('X', 'x'), deployment)).toThrow(name)
})

it('pays everybody else', () => {
  expect(payee(at('e'), deployment)).toBe(at('e'))
})
