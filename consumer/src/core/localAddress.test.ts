import { describe, expect, it } from 'vitest'
import { isLocalAddress } from './localAddress.js'

describe('an address of a local network', () => {
  it.each([
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.1',
    '192.168.1.9',
    '169.254.7.7',
    'fe80::1%eth0',
    'fd12::1',
  ])('is %s', (address) => expect(isLocalAddress(address)).toBe(true))

  it.each(['203.0.113.9', '172.32.0.1', '100.64.0.1', '2001:db8::1', '', 'localhost'])(
    'is not %s',
    (address) => expect(isLocalAddress(address)).toBe(false),
  )

  it('is known behind an IPv6 socket', () => expect(isLocalAddress('::ffff:192.168.1.9')).toBe(true))
})
