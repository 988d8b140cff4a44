import { address } from '@pontage/shared'
import { expect, it } from 'vitest'
import { isAlias, namesToType, providerNamed } from './providerName.js'

const [one, two] = [address(`0x${'a1'.repeat(20)}`), address(`0x${'b2'.repeat(20)}`)]
const known = {
  list: [
    { provider: one, country: 'DE' },
    { provider: two, country: 'CH' },
  ],
  aliases: { office: two },
}

it('knows a provider by address, number, country and a name of the user’s own', () => {
  expect(providerNamed(one.toUpperCase().replace('0X', '0x'), known)).toEqual({ provider: one })
  expect(providerNamed('2', known)).toEqual({ provider: two })
  expect(providerNamed('de', known)).toEqual({ country: 'DE' })
  expect(providerNamed('office', known)).toEqual({ provider: two })
  expect(namesToType(known)).toEqual(['office', 'DE', 'CH', '1', '2'])
})

it('says what was expected, and what to do', () => {
  expect(() => providerNamed('3', known)).toThrow(/no number 3 .* ends with 2/)
  expect(() => providerNamed('1', { list: [], aliases: {} })).toThrow(/Run "pontage providers" first/)
  expect(() => providerNamed('home-office', known)).toThrow(/names no provider/)
  expect(() => providerNamed('toString', known)).toThrow(/names no provider/)
})

it('takes no name that means something else', () => {
  expect(['office', 'my-vpn'].every(isAlias)).toBe(true)
  expect(['DE', '12', '0xabc', 'a b', ''].some(isAlias)).toBe(false)
})
