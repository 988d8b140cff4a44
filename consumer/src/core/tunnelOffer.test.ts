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
    expect(whyNotTunnel(tunnel, [])).toBeUndefined()
    expect(whyNotTunnel({ ...tunnel, address4: '100.64.0.2', gateway4: '172.31.0.1' }, [])).toBeUndefined()
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
      expect(whyNotTunnel({ ...tunnel, gateway4: address }, []), address).toBeDefined()
    for (const address of ['2001:db8::1', 'fe80::1', '::1', '10.0.0.1', 'fd00::1 accept'])
      expect(whyNotTunnel({ ...tunnel, address6: address }, []), address).toBeDefined()
  })

  it('are refused inside a network that this machine is part of', () => {
    const home = { address: '192.168.1.20', prefix: 24 }
    const at = (gateway4: string) => whyNotTunnel({ ...tunnel, gateway4 }, [home])
    expect(at('192.168.1.1')).toMatch(/gateway4 192.168.1.1 lies in this machine's own network/)
    expect(at('192.168.2.1')).toBeUndefined()
    const wide = { address: 'fd50:6f6e:7467::20', prefix: 64 }
    expect(whyNotTunnel(tunnel, [wide])).toMatch(/address6/)
  })

  it('name no resolver but the gateway', () => {
    expect(whyNotTunnel({ ...tunnel, dns: [tunnel.gateway4, tunnel.gateway6] }, [])).toBeUndefined()
    expect(whyNotTunnel({ ...tunnel, dns: ['192.168.1.1'] }, [])).toMatch(/resolver 192.168.1.1/)
  })
})
