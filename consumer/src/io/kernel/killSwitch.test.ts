import { bytes } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { type TunnelFacts, tunnelTable } from './killSwitch.js'

const endpoint = { address: '203.0.113.1', udpPort: 51_820, tcpPort: 7_800 }
const facts: TunnelFacts = {
  interface: 'pont4k1zq9',
  fwmark: 51_820,
  endpoint,
  address4: '10.86.0.2',
  address6: 'fd50::2',
  gateway4: '10.86.0.1',
  gateway6: 'fd50::1',
  dns: ['10.86.0.1'],
  limit: bytes(50_000_000n),
  allowLan: false,
  guests: [],
}

describe('the table of a tunnel', () => {
  it('replaces itself in one step', () => {
    expect(tunnelTable(facts)).toMatch(
      /^table inet pontage_consumer\ndelete table inet pontage_consumer\ntable inet/,
    )
  })

  it('takes no value that could write a rule of its own', () => {
    for (const wrong of [
      { interface: 'a" accept' },
      { gateway4: '10.0.0.1 accept' },
      { address6: 'fd00::1; flush ruleset' },
      { dns: ['10.86.0.1 accept'] },
      { fwmark: -1 },
      { endpoint: { ...endpoint, udpPort: 0 } },
    ])
      expect(() => tunnelTable({ ...facts, ...wrong })).toThrow(TypeError)
  })
})
