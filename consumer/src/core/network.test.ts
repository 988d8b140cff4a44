import { describe, expect, it } from 'vitest'
import { isInside } from './network.js'

describe('an address', () => {
  it.each([
    ['192.168.9.1', '192.168.9.2', 24, true],
    ['192.168.8.1', '192.168.9.2', 24, false],
    ['10.86.0.1', '10.0.0.7', 8, true],
    ['255.255.255.254', '0.0.0.1', 0, true],
    ['fd50:6f6e::1', 'fd50:6f6e::9', 64, true],
    ['fd50:6f6e:0:1::1', 'fd50:6f6e::9', 64, false],
    ['fd50::1', '10.0.0.1', 8, false],
  ])('%s in the network of %s/%i: %s', (address, member, prefix, expected) => {
    expect(isInside(address, { address: member, prefix })).toBe(expected)
  })
})
