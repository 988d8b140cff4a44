import { closedRanges4, closedRanges6, type ExitPolicy, globalRange6, type PortRange } from './exitPolicy.js'

/**
 * What the ruleset depends on. Every text is ready to stand in a rule: checked, and quoted where it is a name
 * of an interface.
 */
export interface RulesetValues {
  readonly tunnel: string
  readonly uplink: string
  readonly gateway4: string
  readonly gateway6: string
  readonly subnet4: string
  readonly subnet6: string
  readonly paymentPort: string
  /** UDP port of WireGuard itself. */
  readonly wireguardPort: string
  /** Resolvers that the gateway's port 53 stands for, one for each family at most. */
  readonly resolver4: string | undefined
  readonly resolver6: string | undefined
  /** IPv6 networks of the machine itself: global addresses, but nobody's business. */
  readonly ownNetworks6: readonly string[]
  /** Addresses under which the machine or its router is known outside, of each family: behind them are the owner's own services. */
  readonly outer4: readonly string[]
  readonly outer6: readonly string[]
  readonly policy: ExitPolicy
  /** The line of our own probes, and the addresses at its far end. */
  readonly probe: string
  readonly probe4: string
  readonly probe6: string
  /** Whether this machine forwards for somebody else, too: then what does not touch the tunnel is left alone. */
  readonly othersForward4: boolean
  readonly othersForward6: boolean
}

/**
 * The body of the provider's table, without any session (docs/security.md has it as a table of what may pass).
 *
 * A packet of a consumer passes `arriving` (whether it may), `filtering` (where to) and `charging`, which comes after the
 * rules of everybody else: what they drop is not charged. On the way back it passes `leaving`.
 * A session is a row in each of the maps below; without one nothing of an address passes, so what a crash
 * leaves behind forwards no more than was paid for.
 */
export function ruleset(values: RulesetValues): string {
  return [
    objects(values),
    arriving(values),
    leaving(values),
    filtering(values),
    charging(values),
    entering(values),
    translating(values),
    wrapping(values),
  ].join('\n')
}

/**
 * What of a body has to stand as it was written: its chains, but for the one that follows the limit of speed, and what is closed.
 *
 * @param body - As {@link ruleset} gives it.
 */
export const constantParts = (body: string) => ({
  chains: [...body.matchAll(/^ *chain (\w+)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== shapingChain),
  sets: ['closed4', 'closed6'],
})
const shapingChain = 'shape_up'

/** What became of a probe's packets of one family: left the machine's forwarding, were answered, and the answers delivered. */
export const probeCounters = (family: 4 | 6) => ({
  out: `probe_out${family}`,
  back: `probe_back${family}`,
  in: `probe_in${family}`,
})

/**
 * Addresses of which a packet was counted. Each is noted once and forgotten after a while, whatever comes meanwhile: whose counters
 * differ from when they were read last stands there now, or did then.
 */
export const movedSets = ['moved4', 'moved6'] as const
/** After which time: longer than the slowest reading keeps the next one waiting. */
export const movedForMs = 8_000
/** Twice as many as there can be sessions: those that are over stay for a moment. */
const mostMoved = 131_072

/** Connections that one consumer may have at a time, in each family: each takes up memory of the machine until it times out. */
export const mostConnections = 4_000

function objects({ ownNetworks6, outer4, outer6 }: RulesetValues): string {
  const map = (name: string, kind: string) => [
    `map ${name}4 { type ipv4_addr : ${kind}; }`,
    `map ${name}6 { type ipv6_addr : ${kind}; }`,
  ]
  return [
    'set passing4 { type ipv4_addr; }',
    'set passing6 { type ipv6_addr; }',
    ...[probeCounters(4), probeCounters(6)].flatMap(Object.values).map((name) => `counter ${name} { }`),
    ...['down', 'up', 'dropped'].flatMap((name) => map(name, 'counter')),
    ...map('credit', 'quota'),
    ...map('class', 'classid'),
    `set ${movedSets[0]} { type ipv4_addr; size ${mostMoved}; flags dynamic, timeout; timeout ${movedForMs / 1_000}s; }`,
    `set ${movedSets[1]} { type ipv6_addr; size ${mostMoved}; flags dynamic, timeout; timeout ${movedForMs / 1_000}s; }`,
    // Filled while there is a limit of speed.
    'set rate_up4 { type ipv4_addr; size 65535; flags dynamic; }',
    'set rate_up6 { type ipv6_addr; size 65535; flags dynamic; }',
    `chain ${shapingChain} { }`,
    'set connections4 { type ipv4_addr; size 65535; flags dynamic; }',
    'set connections6 { type ipv6_addr; size 65535; flags dynamic; }',
    `set closed4 { type ipv4_addr; flags interval; auto-merge; elements = { ${[...closedRanges4, ...outer4].join(', ')} } }`,
    `set closed6 { type ipv6_addr; flags interval; auto-merge; elements = { ${[...closedRanges6, ...ownNetworks6, ...outer6].join(', ')} } }`,
  ].join('\n')
}

/** What comes out of the tunnel, before its destination is looked at: only whoever pays, with so many connections. */
function arriving({ tunnel, gateway4, gateway6, probe, probe4, probe6 }: RulesetValues): string {
  return `chain arriving {
  type filter hook prerouting priority mangle; policy accept;
  iifname != ${probe} ct original ip saddr ${probe4} counter name ${probeCounters(4).back}
  iifname != ${probe} ct original ip6 saddr ${probe6} counter name ${probeCounters(6).back}
  iifname != ${tunnel} accept
  ip daddr ${gateway4} meta l4proto { tcp, udp } th dport 53 goto admitting
  ip6 daddr ${gateway6} meta l4proto { tcp, udp } th dport 53 goto admitting
  ip daddr ${gateway4} accept
  ip6 daddr ${gateway6} accept
  jump shape_up
  goto admitting
}
chain admitting {
  meta nfproto ipv4 ip saddr != @passing4 drop
  meta nfproto ipv6 ip6 saddr != @passing6 drop
  ct state new add @connections4 { ip saddr ct count over ${mostConnections} } drop
  ct state new add @connections6 { ip6 saddr ct count over ${mostConnections} } drop
}`
}

/** Counting and credit of what came out of the tunnel and is about to leave: after everybody else has judged it. */
function charging({ tunnel, probe }: RulesetValues): string {
  return `chain charging {
  type filter hook forward priority 300; policy accept;
  iifname ${probe} meta nfproto ipv4 counter name ${probeCounters(4).out}
  iifname ${probe} meta nfproto ipv6 counter name ${probeCounters(6).out}
  iifname ${tunnel} goto charge_up
}
${charge('up', 'saddr')}`
}

/**
 * Counting and credit of what goes into the tunnel, after every translation: the packets as the consumer sees them. What it did not
 * ask for it does not count, so nothing else is sent or charged, whoever on this machine sends it.
 */
function leaving({ tunnel, gateway4, gateway6, probe, probe4, probe6 }: RulesetValues): string {
  return `chain leaving {
  type filter hook postrouting priority 300; policy accept;
  oifname ${probe} ip daddr ${probe4} counter name ${probeCounters(4).in}
  oifname ${probe} ip6 daddr ${probe6} counter name ${probeCounters(6).in}
  oifname != ${tunnel} accept
  ip saddr ${gateway4} meta l4proto { tcp, udp } th sport 53 goto charge_down
  ip6 saddr ${gateway6} meta l4proto { tcp, udp } th sport 53 goto charge_down
  ip saddr ${gateway4} accept
  ip6 saddr ${gateway6} accept
  ct state != { established, related } drop
  meta priority set ip daddr map @class4
  meta priority set ip6 daddr map @class6
  goto charge_down
}
${charge('down', 'daddr')}`
}

/**
 * A dropped packet uses up quota, too: it is counted apart, so that raising the limit can make up for it. What could not be noted as
 * moved would not be found when counters are read, so it does not pass; nor does what has no counter, whose row another program took.
 */
function charge(direction: 'up' | 'down', side: 'saddr' | 'daddr'): string {
  return `chain charge_${direction} {
  meta nfproto ipv4 ip ${side} != @passing4 drop
  meta nfproto ipv6 ip6 ${side} != @passing6 drop
  ip ${side} @${movedSets[0]} goto count_${direction}
  ip6 ${side} @${movedSets[1]} goto count_${direction}
  add @${movedSets[0]} { ip ${side} } goto count_${direction}
  add @${movedSets[1]} { ip6 ${side} } goto count_${direction}
  drop
}
chain count_${direction} {
  quota name ip ${side} map @credit4 counter name ip ${side} map @dropped4 drop
  quota name ip6 ${side} map @credit6 counter name ip6 ${side} map @dropped6 drop
  counter name ip ${side} map @${direction}4 accept
  counter name ip6 ${side} map @${direction}6 accept
  drop
}`
}

/** Where consumers may go. */
function filtering(values: RulesetValues): string {
  const { tunnel, uplink, probe, resolver4, resolver6, policy, othersForward4, othersForward6 } = values
  const untouched = (others: boolean, family: string) =>
    others ? [`meta nfproto ${family} iifname != ${tunnel} oifname != ${tunnel} accept`] : []
  const resolver = (word: 'ip' | 'ip6', address: string | undefined) =>
    address === undefined
      ? []
      : [
          `iifname ${tunnel} ct status dnat ${word} daddr ${address} meta l4proto { tcp, udp } th dport 53 accept`,
        ]
  const closedPorts = policy.closedPorts.map((range) => {
    const how = range.transport === 'tcp' ? 'reject with tcp reset' : 'reject with icmpx admin-prohibited'
    return `iifname ${tunnel} ${portMatch(range)} ${how}`
  })
  const closedNetworks = policy.closedNetworks.map(
    (network) =>
      `iifname ${tunnel} ${network.includes(':') ? 'ip6' : 'ip'} daddr ${network} reject with icmpx admin-prohibited`,
  )
  const wayOut =
    policy.openPorts.length === 0
      ? [`iifname ${tunnel} oifname ${uplink} accept`]
      : [
          ...policy.openPorts.map(
            (range) => `iifname ${tunnel} oifname ${uplink} ${portMatch(range)} accept`,
          ),
          `iifname ${tunnel} reject with icmpx admin-prohibited`,
        ]
  const lines = [
    'type filter hook forward priority filter; policy drop;',
    `iifname ${probe} oifname != ${tunnel} accept`,
    `oifname ${probe} ct state established,related accept`,
    ...untouched(othersForward4, 'ipv4'),
    ...untouched(othersForward6, 'ipv6'),
    `iifname ${tunnel} oifname ${tunnel} drop`,
    `iifname ${tunnel} tcp flags syn tcp option maxseg size set rt mtu`,
    `oifname ${tunnel} tcp flags syn tcp option maxseg size set rt mtu`,
    'ct state invalid drop',
    ...resolver('ip', resolver4),
    ...resolver('ip6', resolver6),
    `iifname ${tunnel} ip daddr @closed4 reject with icmpx admin-prohibited`,
    `iifname ${tunnel} ip6 daddr != ${globalRange6} reject with icmpx admin-prohibited`,
    `iifname ${tunnel} ip6 daddr @closed6 reject with icmpx admin-prohibited`,
    ...closedPorts,
    ...closedNetworks,
    ...wayOut,
    `oifname ${tunnel} ct state established,related accept`,
  ]
  return `chain filtering {\n${lines.map((line) => `  ${line}`).join('\n')}\n}`
}

const portMatch = ({ transport, from, to }: PortRange): string =>
  `${transport} dport ${from === to ? from : `${from}-${to}`}`

/** What of the machine itself a consumer reaches: paying, asking for names, ping. */
function entering({ tunnel, gateway4, gateway6, paymentPort, resolver4, resolver6 }: RulesetValues): string {
  const localResolver =
    resolver4 === undefined && resolver6 === undefined
      ? []
      : ['  ct status dnat meta l4proto { tcp, udp } th dport 53 goto charge_up']
  return [
    'chain entering {',
    '  type filter hook input priority filter; policy accept;',
    `  iifname != ${tunnel} accept`,
    ...localResolver,
    '  ct state established,related accept',
    `  ip daddr ${gateway4} tcp dport ${paymentPort} accept`,
    `  ip6 daddr ${gateway6} tcp dport ${paymentPort} accept`,
    `  ip daddr ${gateway4} icmp type echo-request accept`,
    `  ip6 daddr ${gateway6} icmpv6 type echo-request accept`,
    '  drop',
    '}',
  ].join('\n')
}

function translating({
  tunnel,
  probe4,
  probe6,
  gateway4,
  gateway6,
  subnet4,
  subnet6,
  resolver4,
  resolver6,
}: RulesetValues): string {
  const redirect = (word: 'ip' | 'ip6', gateway: string, to: string | undefined) =>
    to === undefined
      ? []
      : [
          `  iifname ${tunnel} ${word} daddr ${gateway} meta l4proto { tcp, udp } th dport 53 dnat ${word} to ${to}`,
        ]
  return [
    'chain redirecting {',
    '  type nat hook prerouting priority dstnat; policy accept;',
    ...redirect('ip', gateway4, resolver4),
    ...redirect('ip6', gateway6, resolver6),
    '}',
    'chain masquerading {',
    '  type nat hook postrouting priority srcnat; policy accept;',
    `  ip saddr ${subnet4} oifname != ${tunnel} masquerade`,
    `  ip6 saddr ${subnet6} oifname != ${tunnel} masquerade`,
    `  ip saddr ${probe4} masquerade`,
    `  ip6 saddr ${probe6} masquerade`,
    '}',
  ].join('\n')
}

/**
 * No router on the way may take WireGuard's own packets apart: one that is too large has to be missed by whoever
 * looks for the path's MTU. The kernel's WireGuard would allow it.
 */
const wrapping = ({ wireguardPort }: RulesetValues): string =>
  `chain wrapping {
  type filter hook output priority mangle; policy accept;
  udp sport ${wireguardPort} ip frag-off & 0xbfff == 0 ip frag-off set 0x4000
}`
