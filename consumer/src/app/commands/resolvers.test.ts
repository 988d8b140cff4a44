import { expect, it } from 'vitest'
import { parseResolvers } from './resolvers.js'

it('takes addresses of both families, or the provider', () => {
  expect(parseResolvers('provider')).toBeUndefined()
  expect(parseResolvers('9.9.9.9')).toEqual(['9.9.9.9'])
  expect(parseResolvers('9.9.9.9, 2620:fe::fe')).toEqual(['9.9.9.9', '2620:fe::fe'])
})

it.each([
  ['dns.quad9.net', /no IP address/],
  ['', /no IP address/],
  ['9.9.9.9,', /no IP address/],
  ['192.168.1.1', /local network/],
  ['127.0.0.53', /on this machine/],
  ['::1', /on this machine/],
  ['fd00::1', /local network/],
  ['1.1.1.1,1.0.0.1,8.8.8.8,8.8.4.4,9.9.9.9', /names 5 resolvers/],
])('refuses "%s"', (text, why) => {
  expect(() => parseResolvers(text)).toThrow(why)
})
