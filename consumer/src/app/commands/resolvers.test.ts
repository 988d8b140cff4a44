import { expect, it } from 'vitest'
import { parseResolvers } from './resolvers.js'

const read = (text: string) => parseResolvers(text, (address) => address === '203.0.113.7')

it('takes addresses of both families, or the provider', () => {
  expect(read('provider')).toBeUndefined()
  expect(read('9.9.9.9')).toEqual(['9.9.9.9'])
  expect(read('9.9.9.9, 2620:fe::fe')).toEqual(['9.9.9.9', '2620:fe::fe'])
})

it.each([
  ['dns.quad9.net', /no IP address/],
  ['', /no IP address/],
  ['9.9.9.9,', /no IP address/],
  ['192.168.1.1', /local network/],
  ['127.0.0.53', /on this machine/],
  ['::1', /on this machine/],
  ['fd00::1', /local network/],
  ['0:0:0:0:0:0:0:1', /on this machine/],
  ['203.0.113.7', /on this machine/],
  ['9.9.9.9,224.0.0.251', /224\.0\.0\.251, which lies/],
  ['255.255.255.255', /local network/],
  ['100.64.0.1', /local network/],
  ['ff02::fb', /local network/],
  ['::ffff:192.168.1.1', /local network/],
  ['::ffff:909:909', /local network/],
  ['2001:db8::1%eth0', /local network/],
  ['1.1.1.1,1.0.0.1,8.8.8.8,8.8.4.4,9.9.9.9', /names 5 resolvers/],
])('refuses "%s"', (text, why) => {
  expect(() => read(text)).toThrow(why)
})
