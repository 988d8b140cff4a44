import { describe, expect, it } from 'vitest'
import { type PaymentPort, shutRuleset, type TunnelValues, tunnelRuleset } from './killSwitch.js'
import { policyOf } from './policy.js'

const endpoint = { family: 'ip', address: '203.0.113.1', udpPort: '51820', tcpPort: '7800' } as const
const values: TunnelValues = {
  interface: '"pont4k1zq9"',
  fwmark: '51820',
  endpoint,
  address4: '10.86.0.2',
  address6: 'fd50::2',
  gateway4: '10.86.0.1',
  gateway6: 'fd50::1',
  dns: ['10.86.0.1'],
  limit: '50000000 bytes',
  allowLan: false,
  guests: ['"docker0"'],
}

const shut = (options: { asked?: PaymentPort; lookUp?: boolean; allowLan?: boolean } = {}) =>
  shutRuleset(policyOf(options.asked ? 'asking' : 'ended'), {
    asked: options.asked ? [options.asked] : [],
    lookUp: options.lookUp ?? false,
    allowLan: options.allowLan ?? false,
    guests: [],
  })

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
  it('drops by default in both layers', () => {
    for (const ruleset of [tunnelRuleset(values), shut()]) {
      expect(chainOf(ruleset, 'output')[0]).toBe('type filter hook output priority filter; policy drop;')
      expect(chainOf(ruleset, 'guard')[0]).toBe('type filter hook postrouting priority 300; policy drop;')
    }
  })

  it('lets out what is marked as beside the tunnel by a set that is empty, while there is a tunnel of the machine', () => {
    expect(tunnelRuleset(values)).toContain('set bypassed { type mark; }')
    expect(tunnelRuleset({ ...values, endpoint: undefined })).not.toContain('bypassed')
    expect(shut()).not.toContain('bypassed')
  })

  it('lets nothing out when blocked but loopback, DHCP and neighbour discovery', () => {
    const accepted = chainOf(shut(), 'guard').filter((rule) => rule.endsWith('accept'))
    expect(accepted).toEqual([
      'oifname "lo" accept',
      'oifname @guests accept',
      'meta nfproto ipv4 udp sport 68 udp dport 67 accept',
      'ip6 daddr { ff02::1:2, fe80::/10 } udp sport 546 udp dport 547 accept',
      'ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept',
    ])
  })

  it('lets out beside the tunnel only WireGuard’s marked packets and the provider’s payment port', () => {
    const guard = chainOf(tunnelRuleset(values), 'guard')
    expect(guard.filter((rule) => rule.includes('203.0.113.1'))).toEqual([
      'meta mark 51820 ip daddr 203.0.113.1 udp dport 51820 accept',
      'ip daddr 203.0.113.1 tcp dport 7800 accept',
    ])
    expect(guard.filter((rule) => rule.startsWith('oifname'))).toEqual([
      'oifname "lo" accept',
      'oifname @guests accept',
      'oifname != "pont4k1zq9" meta mark @bypassed accept',
      'oifname "pont4k1zq9" jump upload',
    ])
  })

  it('lets out beside the tunnel only TCP to the proxy, where one is used', () => {
    const rules = tunnelRuleset({ ...values, endpoint: { ...endpoint, tcpPort: '1080', udpPort: undefined } })
    expect(chainOf(rules, 'output')).toContain('ip daddr 203.0.113.1 tcp dport 1080 accept')
    expect(rules).not.toMatch(/203\.0\.113\.1 udp|meta mark 51820/)
    expect(rules.match(/203\.0\.113\.1/g)).toHaveLength(2)
  })

  it('forwards what guests send into the tunnel, what comes back, and nothing else', () => {
    const accepted = (ruleset: string) => {
      const [hook, ...rules] = chainOf(ruleset, 'forwarded')
      expect(hook).toBe('type filter hook forward priority mangle; policy drop;')
      return rules.filter((rule) => rule.endsWith('accept'))
    }
    const between = 'iifname @guests oifname @guests accept'
    expect(accepted(shut())).toEqual([between])
    expect(accepted(tunnelRuleset(values))).toEqual([
      between,
      'iifname "pont4k1zq9" oifname @guests accept',
      'meta l4proto { tcp, udp } th dport 53 ip daddr { 10.86.0.1 } accept',
      'oifname "pont4k1zq9" accept',
    ])
    expect(chainOf(tunnelRuleset(values), 'forwarded')).toContain(
      'oifname "pont4k1zq9" iifname != @guests counter name "stopped" drop',
    )
    expect(tunnelRuleset({ ...values, endpoint: undefined })).not.toContain('chain forwarded')
  })

  it('forwards what neighbours answer to guests where the local network is allowed, and never a question for a name', () => {
    for (const ruleset of [tunnelRuleset({ ...values, allowLan: true }), shut({ allowLan: true })]) {
      const rules = chainOf(ruleset, 'forwarded')
      const at = (pattern: RegExp) => rules.findIndex((rule) => pattern.test(rule))
      expect(at(/^ip saddr .* ct state \{ established, related \} oifname @guests accept$/)).toBeGreaterThan(
        0,
      )
      const dropped = at(/^oifname @guests counter name "stopped" drop$/)
      const named = at(/dport \{ 53, 853 \} drop$/)
      const out = at(/^ip daddr \{ 10\.0\.0\.0.* accept$/)
      expect([dropped, named, out]).toEqual([dropped, named, out].sort((a, b) => a - b))
      expect(dropped).toBeGreaterThan(0)
    }
  })

  it('asks the quota before the counter, both ways', () => {
    for (const name of ['download', 'upload']) {
      const rules = chainOf(tunnelRuleset(values), name)
      expect(rules.filter((rule) => !rule.includes('names_')).slice(-3)).toEqual([
        'jump halted',
        'quota name "cap" counter name "capped" drop',
        `counter name "${name === 'download' ? 'down' : 'up'}" accept`,
      ])
    }
  })

  it('tells what the provider’s own machine answers from what it delivers', () => {
    const rules = chainOf(tunnelRuleset(values), 'upload')
    expect(rules.slice(-3)).toEqual([
      'ip daddr 10.86.0.1 counter name "names_up"',
      'ip6 daddr fd50::1 counter name "names_up"',
      'counter name "up" accept',
    ])
  })

  it('sends questions for names to the gateways that answer them, and refuses the others', () => {
    const redirected = chainOf(tunnelRuleset(values), 'names').filter((rule) => rule.includes('dnat'))
    expect(redirected).toEqual([
      'meta nfproto ipv4 meta l4proto { tcp, udp } th dport 53 ip daddr != { 10.86.0.1 } dnat ip to 10.86.0.1',
    ])
    const both = tunnelRuleset({ ...values, dns: ['10.86.0.1', 'fd50::1'] })
    expect(chainOf(both, 'names').filter((rule) => rule.includes('dnat'))).toHaveLength(2)
    const refused = chainOf(tunnelRuleset(values), 'output').filter((rule) =>
      rule.includes('port-unreachable'),
    )
    expect(refused).toEqual([
      expect.stringContaining('ip daddr != { 10.86.0.1 }'),
      expect.stringContaining('meta nfproto ipv6'),
    ])
  })

  it('sends them to each resolver that was named, and those to others to the first', () => {
    const rules = tunnelRuleset({ ...values, dns: ['9.9.9.9', '2620:fe::fe', '149.112.112.112'] })
    expect(chainOf(rules, 'names').filter((rule) => rule.includes('dnat'))).toEqual([
      expect.stringMatching(/ip daddr != \{ 9.9.9.9, 149.112.112.112 \} dnat ip to 9.9.9.9$/),
      expect.stringMatching(/ip6 daddr != \{ 2620:fe::fe \} dnat ip6 to 2620:fe::fe$/),
    ])
  })

  it('opens one payment port more, and no other, while the next provider is asked', () => {
    const asked = { family: 'ip', address: '198.51.100.7', tcpPort: '7801' } as const
    for (const name of ['output', 'guard']) {
      const closed = chainOf(shut(), name)
      const asking = chainOf(shut({ asked }), name)
      expect(asking.filter((rule) => !closed.includes(rule))).toEqual([
        'ip daddr 198.51.100.7 tcp dport 7801 accept',
      ])
    }
  })

  it('lets one user ask for names while the addresses of its host are asked for, and nobody otherwise', () => {
    const asked = { family: 'ip', address: '198.51.100.7', tcpPort: '7801' } as const
    const names = (options: Parameters<typeof shut>[0]) =>
      chainOf(shut(options), 'guard').filter((rule) => rule.includes('dport 53'))
    expect(names({ asked, lookUp: true })).toEqual([
      'meta skuid 60900 meta l4proto { tcp, udp } th dport 53 accept',
    ])
    expect(names({ asked })).toEqual([])
    expect(names({ lookUp: true })).toEqual([])
  })

  it('lets the local network be talked to where that was asked for, but never about names', () => {
    for (const ruleset of [tunnelRuleset({ ...values, allowLan: true }), shut({ allowLan: true })]) {
      const guard = chainOf(ruleset, 'guard')
      const names = guard.findIndex((rule) => rule.endsWith('th dport { 53, 853 } drop'))
      const local = guard.findIndex((rule) => rule.includes('192.168.0.0/16'))
      expect(names).toBeGreaterThan(0)
      expect(local).toBeGreaterThan(names)
    }
    const guard = chainOf(tunnelRuleset({ ...values, allowLan: true }), 'guard')
    const gateway = guard.findIndex((rule) => rule.startsWith('ip daddr 10.86.0.1 '))
    expect(gateway).toBeGreaterThan(0)
    expect(gateway).toBeLessThan(guard.findIndex((rule) => rule.includes('192.168.0.0/16')))
  })

  it('knows no way out but the tunnel in a namespace of programs', () => {
    const guard = chainOf(tunnelRuleset({ ...values, endpoint: undefined }), 'guard')
    expect(guard.filter((rule) => /udp dport 51820|tcp dport/.test(rule))).toEqual([])
  })

  it('has no quota without a limit', () => {
    expect(tunnelRuleset({ ...values, limit: undefined })).not.toMatch(/quota/)
  })

  it('speaks IPv6 to an IPv6 endpoint', () => {
    const outside = { ...endpoint, family: 'ip6', address: '2001:db8::1' } as const
    const ruleset = tunnelRuleset({ ...values, endpoint: outside })
    expect(ruleset).toContain('ip6 daddr 2001:db8::1 tcp dport 7800 accept')
    expect(ruleset).not.toContain('frag-off')
  })

  it('drops what nobody asked for before it is counted or reaches a service of this machine', () => {
    const rules = chainOf(tunnelRuleset(values), 'download')
    const asked = rules.indexOf('ct state != { established, related } drop')
    expect(asked).toBeGreaterThan(rules.indexOf('iifname != "pont4k1zq9" accept'))
    expect(rules.findIndex((rule) => rule.startsWith('ip saddr 10.86.0.1'))).toBeGreaterThan(asked)
    expect(rules.findIndex((rule) => rule.startsWith('counter name "down"'))).toBeGreaterThan(asked)
    // A connection of another device is known to the kernel as well: it goes on there only.
    expect(rules.slice(asked - 2, asked)).toEqual(['ip daddr != 10.86.0.2 drop', 'ip6 daddr != fd50::2 drop'])
    // Connections are known from priority -200 (conntrack) on.
    expect(rules[0]).toBe('type filter hook prerouting priority mangle - 5; policy accept;')
  })
})
