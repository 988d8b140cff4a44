import { expect, it } from 'vitest'
import { stockConfiguration } from './stockConfiguration.js'

const tunnel = {
  ...{ address4: '10.86.0.5', address6: 'fd50::5', dns: ['10.86.0.1'], port: 51_820 },
  ...{ privateKey: 'private=', publicKey: 'public=', presharedKey: 'shared=' },
}

it('says all that a stock app has to know, and nothing else', () => {
  expect(stockConfiguration({ ...tunnel, host: 'exit.example.org' })).toBe(`[Interface]
PrivateKey = private=
Address = 10.86.0.5/32, fd50::5/128
DNS = 10.86.0.1
MTU = 1280

[Peer]
PublicKey = public=
PresharedKey = shared=
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = exit.example.org:51820
PersistentKeepalive = 25
`)
})

it('brackets an IPv6 address, and names no resolver where there is none', () => {
  const text = stockConfiguration({ ...tunnel, dns: [], host: '2001:db8::1' })
  expect(text).toContain('Endpoint = [2001:db8::1]:51820\n')
  expect(text).not.toContain('DNS')
})
