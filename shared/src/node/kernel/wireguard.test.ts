import { describe, expect, it } from 'vitest'
import { uniqueInterfaceName } from './wireguard.js'
import {
  parseDump,
  writeConf,
  writePeer,
  writePeerForSocket,
  writeRemovalForSocket,
} from './wireguardConf.js'
import {
  generatePresharedKey,
  generateWireguardKeys,
  isWireguardKey,
  wireguardKeyFromHex,
  wireguardKeyToHex,
  wireguardPublicKey,
} from './wireguardKeys.js'

describe('WireGuard keys', () => {
  it('derives the public key that wg pubkey derives', () => {
    const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64')
    const secret = base64('77076d0a7318a57d3c16c17251b26645df4c2f92ebc0992ac177fba51db92c2a')
    const open = base64('f8a9535a2d2ff605e8e144d54f4ef5c62313a2055dbb21fddd3fd9c299eb015d')
    expect(wireguardPublicKey(secret)).toBe(open)
  })

  it('makes pairs that belong together', () => {
    const pair = generateWireguardKeys()
    expect(wireguardPublicKey(pair.privateKey)).toBe(pair.publicKey)
    expect(isWireguardKey(pair.privateKey)).toBe(true)
  })

  it('refuses what is not a key without repeating it', () => {
    for (const text of ['', 'secret', `${'A'.repeat(42)}B=`, `${'A'.repeat(44)}`, `${'A'.repeat(42)}=\n`]) {
      expect(isWireguardKey(text)).toBe(false)
      expect(() => wireguardPublicKey(text)).toThrow(/^A WireGuard key is 32 bytes/)
    }
  })

  it('goes to hex and back', () => {
    const key = generatePresharedKey()
    expect(wireguardKeyFromHex(wireguardKeyToHex(key))).toBe(key)
    expect(() => wireguardKeyFromHex('0x12')).toThrow(/64 hex digits/)
  })
})

describe('WireGuard configuration', () => {
  const privateKey = Buffer.alloc(32, 1).toString('base64')
  const publicKey = Buffer.alloc(32, 2).toString('base64')

  it('writes interface and peers', () => {
    const peer = {
      publicKey,
      allowedIps: ['0.0.0.0/0', '::/0'],
      endpoint: { host: '2001:db8::1', port: 51_820 },
      keepaliveSeconds: 25,
    }
    expect(writeConf({ privateKey, listenPort: 51_820, fwmark: 7, peers: [peer] })).toBe(
      `[Interface]\nPrivateKey = ${privateKey}\nListenPort = 51820\nFwMark = 7\n` +
        `[Peer]\nPublicKey = ${publicKey}\nAllowedIPs = 0.0.0.0/0, ::/0\n` +
        'Endpoint = [2001:db8::1]:51820\nPersistentKeepalive = 25\n',
    )
  })

  it('writes and removes a peer by the socket of a userspace WireGuard', () => {
    const hex = '02'.repeat(32)
    const peer = { publicKey, presharedKey: Buffer.alloc(32, 3).toString('base64'), keepaliveSeconds: 25 }
    expect(
      writePeerForSocket({
        ...{ ...peer, allowedIps: ['10.86.0.2/32', 'fd50::2/128'] },
        endpoint: { host: '2001:db8::1', port: 51_820 },
      }),
    ).toBe(
      `public_key=${hex}\npreshared_key=${'03'.repeat(32)}\nendpoint=[2001:db8::1]:51820\n` +
        'persistent_keepalive_interval=25\nreplace_allowed_ips=true\n' +
        'allowed_ip=10.86.0.2/32\nallowed_ip=fd50::2/128\n',
    )
    expect(writeRemovalForSocket(publicKey)).toBe(`public_key=${hex}\nremove=true\n`)
    for (const allowedIps of [['10.0.0.0/8\nremove=true'], ['10.0.0.0/33']])
      expect(() => writePeerForSocket({ publicKey, allowedIps })).toThrow(TypeError)
    expect(() => writeRemovalForSocket(`${publicKey}\n`)).toThrow(TypeError)
  })

  it('refuses values that would write other lines', () => {
    expect(() => writePeer({ publicKey: `${publicKey}\nPostUp = id`, allowedIps: [] })).toThrow(TypeError)
    expect(() => writePeer({ publicKey, allowedIps: ['10.0.0.0/8\nPostUp=x'] })).toThrow(TypeError)
    expect(() => writePeer({ publicKey, allowedIps: ['10.0.0.0/33'] })).toThrow(TypeError)
    expect(() => writePeer({ publicKey, allowedIps: [], endpoint: { host: 'a\nb', port: 1 } })).toThrow(
      TypeError,
    )
    expect(() => writeConf({ privateKey, listenPort: 70_000, peers: [] })).toThrow(TypeError)
  })
})

describe('parseDump', () => {
  it('reads peers and leaves the secrets behind', () => {
    const state = parseDump(
      'PRIVATE\tPUBLIC\t51820\t0x7\n' +
        'PEER1\tSHARED\t[2001:db8::5]:4000\t10.8.0.2/32,fd00::2/128\t1700000000\t18446744073709551615\t12\t25\n' +
        'PEER2\t(none)\t(none)\t(none)\t0\t0\t0\toff\n',
    )
    expect(state).toEqual({
      publicKey: 'PUBLIC',
      listenPort: 51_820,
      fwmark: 7,
      peers: [
        {
          publicKey: 'PEER1',
          endpoint: { host: '2001:db8::5', port: 4000 },
          allowedIps: ['10.8.0.2/32', 'fd00::2/128'],
          latestHandshakeAt: 1_700_000_000,
          receivedBytes: 18_446_744_073_709_551_615n,
          sentBytes: 12n,
        },
        {
          publicKey: 'PEER2',
          endpoint: undefined,
          allowedIps: [],
          latestHandshakeAt: undefined,
          receivedBytes: 0n,
          sentBytes: 0n,
        },
      ],
    })
  })

  it('fails loudly on a line it does not know', () => {
    expect(() => parseDump('one\ttwo\n')).toThrow(/2 fields where 4/)
  })
})

describe('uniqueInterfaceName', () => {
  it('fits an interface name', () => {
    expect(uniqueInterfaceName()).toMatch(/^pont[a-z0-9]{6}$/)
  })
})
