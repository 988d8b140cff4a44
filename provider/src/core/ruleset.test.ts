import { describe, expect, it } from 'vitest'
import { defaultExitPolicy, parseExitPolicy } from './exitPolicy.js'
import { ruleset } from './ruleset.js'
import { admit, dismiss, type TableChange } from './sessionRules.js'

const values = {
  tunnel: '"wg0"',
  probe: '"wg0p"',
  probe4: '192.0.0.129',
  probe6: 'fd50::ffff',
  uplink: '"eth0"',
  gateway4: '10.86.0.1',
  gateway6: 'fd50::1',
  subnet4: '10.86.0.0/16',
  subnet6: 'fd50::/64',
  paymentPort: '4000',
  wireguardPort: '51820',
  resolver4: '9.9.9.9',
  resolver6: undefined,
  ownNetworks6: ['2001:db8:1::/64'],
  outer4: ['203.0.113.9'],
  outer6: ['2001:db8:9::9'],
  policy: parseExitPolicy(defaultExitPolicy),
  othersForward4: false,
  othersForward6: false,
}
/** Lines of one chain. */
const chain = (text: string, name: string): string[] =>
  (new RegExp(`chain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*?)\\n\\}`).exec(text)?.[1] ?? '')
    .split('\n')
    .map((line) => line.trim())

describe('the rules', () => {
  const lines = chain(ruleset(values), 'filtering')
  const at = (pattern: RegExp) => lines.findIndex((line) => pattern.test(line))

  it('drop what nothing accepts', () => expect(lines[0]).toContain('policy drop'))

  it('close the owner’s networks and mail before they open the way out', () => {
    const out = at(/^iifname "wg0" oifname "eth0" accept$/)
    for (const closed of [
      /daddr @closed4 reject/,
      /daddr != 2000::\/3 reject/,
      /daddr @closed6 reject/,
      /tcp dport 25 reject/,
    ]) {
      expect(at(closed)).toBeGreaterThan(0)
      expect(at(closed)).toBeLessThan(out)
    }
    expect(at(/^iifname "wg0" oifname "wg0" drop$/)).toBeLessThan(out)
  })

  it('leave others’ traffic alone only where the machine forwards for them', () => {
    expect(at(/iifname != "wg0" oifname != "wg0" accept/)).toBe(-1)
    const before = chain(ruleset({ ...values, othersForward4: true }), 'filtering')
    expect(before).toContain('meta nfproto ipv4 iifname != "wg0" oifname != "wg0" accept')
    expect(before.some((line) => line.startsWith('meta nfproto ipv6'))).toBe(false)
  })

  it('send and charge nothing towards a consumer that it did not ask for', () => {
    const leaving = chain(ruleset(values), 'leaving')
    const unasked = leaving.indexOf('ct state != { established, related } drop')
    expect(unasked).toBeGreaterThan(leaving.indexOf('ip6 saddr fd50::1 accept'))
    expect(unasked).toBeLessThan(leaving.indexOf('goto charge_down'))
  })

  it('charge what comes from a consumer after everybody else has judged it', () => {
    const charging = chain(ruleset(values), 'charging')
    expect(charging).toEqual([
      'type filter hook forward priority 300; policy accept;',
      'iifname "wg0p" meta nfproto ipv4 counter name probe_out4',
      'iifname "wg0p" meta nfproto ipv6 counter name probe_out6',
      'iifname "wg0" goto charge_up',
    ])
    expect(chain(ruleset(values), 'arriving').join()).not.toContain('charge_up')
  })

  it('close addresses that only look public', () => {
    const text = ruleset(values)
    const closed = (family: 4 | 6) =>
      new RegExp(`set closed${family} .*elements = \\{(.*)\\} \\}`).exec(text)?.[1]
    for (const address of ['168.63.129.16/32', '198.18.0.0/15', '203.0.113.9'])
      expect(closed(4)).toContain(address)
    for (const address of ['2001:db8:1::/64', '2001:db8:9::9']) expect(closed(6)).toContain(address)
  })

  it('let in paying, names and ping, and then nothing', () => {
    const input = chain(ruleset(values), 'entering')
    expect(input.at(-1)).toBe('drop')
    expect(input.filter((line) => / accept$/.test(line) && !line.startsWith('type'))).toHaveLength(6)
    expect(input).toContain('ct status dnat meta l4proto { tcp, udp } th dport 53 goto charge_up')
  })

  it('open no port 53 when there is no resolver', () => {
    const text = ruleset({ ...values, resolver4: undefined })
    expect(chain(text, 'entering').join()).not.toContain('53')
    expect(text).not.toContain('dnat')
  })

  it('forget of a session all that they were told of it', () => {
    const session = { key: 7, address4: '10.86.0.2', address6: 'fd50::2' }
    const told = (changes: readonly TableChange[], verb: TableChange['verb']) =>
      changes
        .filter((change) => change.verb === verb)
        .map((change) => (change.kind === 'element' ? `${change.set} ${change.address}` : change.name))
        .sort()
    expect(told(admit(session, 1n), 'add')).toEqual(told(dismiss(session, true), 'delete'))
    expect(told(admit(session, 1n), 'add')).toHaveLength(14)
  })
})

describe('an exit policy', () => {
  it('reads ports and ranges', () => {
    expect(parseExitPolicy('deny tcp/25, deny udp/6881-6889').closedPorts).toEqual([
      { transport: 'tcp', from: 25, to: 25 },
      { transport: 'udp', from: 6_881, to: 6_889 },
    ])
    expect(parseExitPolicy('').closedPorts).toEqual([])
  })

  it('closes networks, and opens nothing but what it names where it names that', () => {
    const policy = parseExitPolicy(
      'deny 203.0.113.0/24, deny 2001:db8::/32, only tcp/443, only udp/1000-2000',
    )
    expect(policy.closedNetworks).toEqual(['203.0.113.0/24', '2001:db8::/32'])
    const lines = chain(ruleset({ ...values, policy }), 'filtering')
    const last = lines.indexOf('iifname "wg0" reject with icmpx admin-prohibited')
    const open = lines.filter((line) => / oifname "eth0" .*accept$/.test(line))
    expect(open).toEqual([
      'iifname "wg0" oifname "eth0" tcp dport 443 accept',
      'iifname "wg0" oifname "eth0" udp dport 1000-2000 accept',
    ])
    const closed = lines.indexOf('iifname "wg0" ip6 daddr 2001:db8::/32 reject with icmpx admin-prohibited')
    expect(closed).toBeGreaterThan(0)
    expect(closed).toBeLessThan(lines.indexOf(open[0] ?? ''))
    expect(lines.indexOf(open[1] ?? '')).toBeLessThan(last)
    expect(lines).not.toContain('iifname "wg0" oifname "eth0" accept')
  })

  it.each([
    'deny tcp/0',
    'deny tcp/70000',
    'deny udp/9-3',
    'allow tcp/25',
    'deny tcp/25; drop',
    'only 10.0.0.0/8',
    'deny 1.2.3.4/40 drop',
  ])('refuses "%s"', (text) => expect(() => parseExitPolicy(text)).toThrow(/not a rule/))
})
