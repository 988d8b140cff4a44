import type { Result } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { whyNotTunnel } from './tunnelOffer.js'

const tunnel: Result<'open'>['tunnel'] = {
  publicKey: `0x${'01'.repeat(32)}`,
  presharedKey: `0x${'02'.repeat(32)}`,
  port: 51_820,
  address4: '10.86.0.2',
  address6: 'fd50:6f6e:7467::2',
  gateway4: '10.86.0.1',
  gateway6: 'fd50:6f6e:7467::1',
  dns: [],
  mtu: 1_280,
  paymentPort: 7_000,
}

describe('a tunnel’s addresses', () => {
  it('are taken when they are private', () => {
    expect(whyNotTunnel(tunnel)).toBeUndefined()
    expect(whyNotTunnel({ ...tunnel, address4: '100.64.0.2', gateway4: '172.31.0.1' })).toBeUndefined()
  })

  it('are refused when they are somebody’s on the internet, or no addresses', () => {
    for (const address of [
      '8.8.8.8',
      '172.32.0.1',
      '100.128.0.1',
      '10.0.0.256',
      '10.0.0',
      'fd00::1',
      '10.0.0.1; flush',
    ])
      expect(whyNotTunnel({ ...tunnel, gateway4: address }), address).toBeDefined()
    for (const address of ['2001:db8::1', 'fe80::1', '::1', '10.0.0.1', 'fd00::1 accept'])
      expect(whyNotTunnel({ ...tunnel, address6: address }), address).toBeDefined()
  })
})
