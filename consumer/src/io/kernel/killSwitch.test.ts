import { bytes } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { blockedRuleset, type TunnelPolicy, tunnelRuleset } from './killSwitch.js'

const endpoint = { address: '203.0.113.1', udpPort: 51_820, tcpPort: 7_800 }
const policy: TunnelPolicy = {
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
}

/** Rules of one chain, as text. */
const chainOf = (ruleset: string, name: string): string[] => {
  const lines = ruleset
    .slice(ruleset.indexOf(`chain ${name} {`))
    .split('\n')
    .slice(1)
  return lines
    .slice(
      0,
      lines.findIndex((line) => line.trim() === '}'),
    )
    .map((line) => line.trim())
}

describe('the kill switch', () => {
  it('replaces itself in one step, and drops by default in both layers', () => {
    for (const ruleset of [tunnelRuleset(policy), blockedRuleset({ allowLan: false })]) {
      expect(ruleset).toMatch(/^table inet pontage_consumer\ndelete table inet pontage_consumer\ntable inet/)
      expect(chainOf(ruleset, 'output')[0]).toBe('type filter hook output priority filter; policy drop;')
      expect(chainOf(ruleset, 'guard')[0]).toBe('type filter hook postrouting priority 300; policy drop;')
    }
  })

  it('lets nothing out when blocked but loopback, DHCP and neighbour discovery', () => {
    const accepted = chainOf(blockedRuleset({ allowLan: false }), 'guard').filter((rule) =>
      rule.endsWith('accept'),
    )
    expect(accepted).toEqual([
      'oifname "lo" accept',
      'meta nfproto ipv4 udp sport 68 udp dport 67 accept',
      'ip6 daddr { ff02::1:2, fe80::/10 } udp sport 546 udp dport 547 accept',
      'ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept',
    ])
  })

  it('lets out beside the tunnel only WireGuard’s marked packets and the provider’s door', () => {
    const guard = chainOf(tunnelRuleset(policy), 'guard')
    expect(guard.filter((rule) => rule.includes('203.0.113.1'))).toEqual([
      'meta mark 51820 ip daddr 203.0.113.1 udp dport 51820 accept',
      'ip daddr 203.0.113.1 tcp dport 7800 accept',
    ])
    expect(guard.filter((rule) => rule.startsWith('oifname'))).toEqual([
      'oifname "lo" accept',
      'oifname "pont4k1zq9" jump upload',
    ])
  })

  it('asks the quota before the counter, both ways', () => {
    for (const name of ['download', 'upload']) {
      const rules = chainOf(tunnelRuleset(policy), name)
      expect(rules.slice(-3)).toEqual([
        'jump halted',
        'quota name "cap" counter name "capped" drop',
        `counter name "${name === 'download' ? 'down' : 'up'}" accept`,
      ])
    }
  })

  it('sends questions for names to the gateways that answer them, and refuses the others', () => {
    const redirected = chainOf(tunnelRuleset(policy), 'names').filter((rule) => rule.includes('dnat'))
    expect(redirected).toEqual([
      'meta nfproto ipv4 meta l4proto { tcp, udp } th dport 53 dnat ip to 10.86.0.1',
    ])
    const both = tunnelRuleset({ ...policy, dns: ['10.86.0.1', 'fd50::1'] })
    expect(chainOf(both, 'names').filter((rule) => rule.includes('dnat'))).toHaveLength(2)
    const refused = chainOf(tunnelRuleset(policy), 'output').filter((rule) =>
      rule.includes('port-unreachable'),
    )
    expect(refused.map((rule) => rule.includes('ip6 daddr'))).toEqual([false, true])
  })

  it('opens one door more, and no other, while the next provider is asked', () => {
    const door = { address: '198.51.100.7', tcpPort: 7_801 }
    for (const name of ['output', 'guard']) {
      const shut = chainOf(blockedRuleset({ allowLan: false }), name)
      const asking = chainOf(blockedRuleset({ door, allowLan: false }), name)
      expect(asking.filter((rule) => !shut.includes(rule))).toEqual([
        'ip daddr 198.51.100.7 tcp dport 7801 accept',
      ])
    }
  })

  it('lets the local network be talked to where that was asked for, but never about names', () => {
    for (const ruleset of [
      tunnelRuleset({ ...policy, allowLan: true }),
      blockedRuleset({ allowLan: true }),
    ]) {
      const guard = chainOf(ruleset, 'guard')
      const names = guard.findIndex((rule) => rule.endsWith('th dport { 53, 853 } drop'))
      const local = guard.findIndex((rule) => rule.includes('192.168.0.0/16'))
      expect(names).toBeGreaterThan(0)
      expect(local).toBeGreaterThan(names)
    }
    const guard = chainOf(tunnelRuleset({ ...policy, allowLan: true }), 'guard')
    const gateway = guard.findIndex((rule) => rule.startsWith('ip daddr 10.86.0.1 '))
    expect(gateway).toBeGreaterThan(0)
    expect(gateway).toBeLessThan(guard.findIndex((rule) => rule.includes('192.168.0.0/16')))
  })

  it('knows no way out but the tunnel in a namespace of programs', () => {
    const guard = chainOf(tunnelRuleset({ ...policy, endpoint: undefined }), 'guard')
    expect(guard.filter((rule) => /udp dport 51820|tcp dport/.test(rule))).toEqual([])
  })

  it('has no quota without a limit', () => {
    expect(tunnelRuleset({ ...policy, limit: undefined })).not.toMatch(/quota/)
  })

  it('speaks IPv6 to an IPv6 endpoint', () => {
    const ruleset = tunnelRuleset({ ...policy, endpoint: { ...endpoint, address: '2001:db8::1' } })
    expect(ruleset).toContain('ip6 daddr 2001:db8::1 tcp dport 7800 accept')
  })

  it('takes no value that could write a rule of its own', () => {
    for (const wrong of [
      { interface: 'a" accept' },
      { gateway4: '10.0.0.1 accept' },
      { address6: 'fd00::1; flush ruleset' },
      { fwmark: -1 },
      { endpoint: { ...endpoint, udpPort: 0 } },
    ])
      expect(() => tunnelRuleset({ ...policy, ...wrong })).toThrow(TypeError)
  })
})
