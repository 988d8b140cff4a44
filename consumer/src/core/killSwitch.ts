import { forwarding, fromGuests, guestSet, guestSetName, toGuests } from './forwarded.js'
import type { Policy } from './policy.js'
import {
  chain,
  countedDrop,
  lan,
  plumbing,
  question,
  refused,
  refuseFast,
  stoppedCounter,
} from './ruleWords.js'

/** The consumer's one nftables table, of family inet; nobody else's tables are touched. */
export const killSwitchTable = 'pontage_consumer'
/** Names of the objects inside it. */
export const objectNames = {
  down: 'down',
  up: 'up',
  cap: 'cap',
  capped: 'capped',
  /** Of what `down` and `up` counted: answers and questions for names, which the provider's own machine deals with. */
  namesDown: 'names_down',
  namesUp: 'names_up',
  halted: 'halted',
  stopped: stoppedCounter,
} as const

/** The set of marks whose packets go beside the tunnel: empty, unless a program was started so. */
export const bypassedMarks = 'bypassed'

/** The chains that refuse; each drops what no rule of it lets pass. */
export const guardingChains = ['output', 'guard'] as const

/** The user as whom addresses of a provider's host are asked for behind the kill switch, by number: nobody else's. */
export const nameAsker = '60900'

/** A provider's payment port on the open line. Every text here and below is ready to stand in a rule. */
export interface PaymentPort {
  readonly family: 'ip' | 'ip6'
  readonly address: string
  readonly tcpPort: string
}

/** What a session's rules depend on. */
export interface TunnelValues {
  /** Quoted. */
  readonly interface: string
  /** Mark on WireGuard's own packets, by which they are told from everything else. */
  readonly fwmark: string
  /**
   * The provider as the outer network knows it, or the proxy on the way to it, which is sent no UDP; left out in a namespace of
   * programs, which has no outer network.
   */
  readonly endpoint: (PaymentPort & { readonly udpPort: string | undefined }) | undefined
  readonly address4: string
  readonly address6: string
  readonly gateway4: string
  readonly gateway6: string
  /**
   * What answers for names: gateways, or resolvers beyond the tunnel. A question of a family that has none is refused, so
   * that the next is asked.
   */
  readonly dns: readonly string[]
  /** Bytes, both directions together, after which nothing more passes; left out: no limit. */
  readonly limit: string | undefined
  /** Whether the local network may be talked to. */
  readonly allowLan: boolean
  /** Bridges of containers and virtual machines on this machine, quoted. */
  readonly guests: readonly string[]
}

/**
 * The body of the table for a standing tunnel.
 *
 * Two layers. `output` refuses at once, so that programs fail fast instead of hanging; `guard` sees the device
 * a packet really leaves by, also after an address was rewritten, and for forwarded packets too.
 * The payment socket and everything else that goes to the gateway itself is neither counted nor capped,
 * except questions for names, which travel on from there. What comes in without being asked for, by a connection
 * that this machine began, is dropped before it is counted: nobody pays for what somebody pours in.
 */
export function tunnelRuleset(values: TunnelValues): string {
  const outer = values.endpoint && outerRules(values.endpoint, values.fwmark)
  return table([
    ...objects(values.limit),
    guestSet(values.guests),
    ...(values.endpoint ? bypassed() : []),
    download(values),
    ...(outer?.marks ?? []),
    names(values),
    guestNames(values),
    sources(values),
    // In a namespace of programs nobody stands before it.
    ...(values.endpoint === undefined ? [] : [forwarded(values)]),
    output(values, outer?.accept ?? []),
    guard(values, outer?.accept ?? []),
    upload(values),
  ])
}

/** What is marked is let out, and its answers carry the mark, too: the kernel compares the way that they came. */
const bypassed = (): string[] => [
  `set ${bypassedMarks} { type mark; }`,
  chain('bypass_answers', [
    'type filter hook prerouting priority mangle; policy accept;',
    `ct mark @${bypassedMarks} meta mark set ct mark`,
  ]),
  chain('bypass_asked', [
    'type filter hook postrouting priority mangle; policy accept;',
    `meta mark @${bypassedMarks} ct mark set meta mark`,
  ]),
]
const isBypassed = `meta mark @${bypassedMarks}`

/** Counters and the quota, and the chain that stays empty until the session is to stand still. */
const objects = (limit: string | undefined): string[] => [
  ...(limit === undefined
    ? []
    : [`quota ${objectNames.cap} { over ${limit}; }`, `counter ${objectNames.capped} { }`]),
  `counter ${objectNames.down} { }`,
  `counter ${objectNames.up} { }`,
  `counter ${objectNames.namesDown} { }`,
  `counter ${objectNames.namesUp} { }`,
  `counter ${objectNames.stopped} { }`,
  chain(objectNames.halted, []),
]

/** What was asked for: it meets the halt, the cap, and then its counter. */
const charged = (limit: string | undefined, counter: string, names: readonly string[]): string[] => [
  `jump ${objectNames.halted}`,
  ...(limit === undefined
    ? []
    : [`quota name "${objectNames.cap}" counter name "${objectNames.capped}" drop`]),
  // Of the provider's own machine only questions for names, and answers to them, come this far.
  ...names,
  `counter name "${counter}" accept`,
]

/** What comes out of the tunnel. */
const download = ({ interface: tunnel, limit, ...values }: TunnelValues): string =>
  chain('download', [
    'type filter hook prerouting priority mangle - 5; policy accept;',
    // Nobody outside the tunnel may speak to the address inside it.
    `iifname != ${tunnel} ip daddr ${values.address4} fib saddr type != local drop`,
    `iifname != ${tunnel} ip6 daddr ${values.address6} fib saddr type != local drop`,
    `iifname != ${tunnel} accept`,
    // Connections of other devices are known to the kernel, too: through the tunnel nobody else is spoken to.
    `ip daddr != ${values.address4} drop`,
    `ip6 daddr != ${values.address6} drop`,
    'ct state != { established, related } drop',
    `ip saddr ${values.gateway4} meta l4proto { tcp, udp } th sport != 53 accept`,
    `ip6 saddr ${values.gateway6} meta l4proto { tcp, udp } th sport != 53 accept`,
    `ip saddr ${values.gateway4} meta l4proto != { tcp, udp } accept`,
    `ip6 saddr ${values.gateway6} meta l4proto != { tcp, udp } accept`,
    ...charged(limit, objectNames.down, [
      `ip saddr ${values.gateway4} counter name "${objectNames.namesDown}"`,
      `ip6 saddr ${values.gateway6} counter name "${objectNames.namesDown}"`,
    ]),
  ])

/** Those that answer for names in a family, as a set. */
const resolvers = ({ dns }: TunnelValues, family: 'ip' | 'ip6') => {
  const servers = dns.filter((each) => each.includes(':') === (family === 'ip6'))
  return { first: servers[0], all: `{ ${servers.join(', ')} }` }
}

/** Leads questions that are put to anybody else to the first that answers, in each family. */
const toResolvers = (values: TunnelValues, which: (nfproto: 'ipv4' | 'ipv6') => string): string[] =>
  (['ip', 'ip6'] as const).flatMap((family) => {
    const { first, all } = resolvers(values, family)
    if (first === undefined) return []
    const meant = which(family === 'ip' ? 'ipv4' : 'ipv6')
    return [`${meant} ${question} ${family} daddr != ${all} dnat ${family} to ${first}`]
  })

/** Sends questions for names to those that answer them. */
const names = (values: TunnelValues): string =>
  chain('names', [
    'type nat hook output priority -100; policy accept;',
    'oifname "lo" accept',
    ...toResolvers(values, (nfproto) => `meta nfproto ${nfproto}`),
  ])

/** Containers and virtual machines ask resolvers that they were given before. */
const guestNames = (values: TunnelValues): string =>
  chain('guest_names', [
    'type nat hook prerouting priority dstnat; policy accept;',
    ...toResolvers(values, (nfproto) => `${fromGuests} meta nfproto ${nfproto} fib daddr type != local`),
  ])

/** A question first meant for another device carries that device's address, and what a guest sends its own. */
const sources = ({ interface: tunnel, ...values }: TunnelValues): string =>
  chain('sources', [
    'type nat hook postrouting priority srcnat; policy accept;',
    `oifname ${tunnel} ${question} masquerade`,
    // It was first meant for the tunnel, and carries the address in there.
    ...(values.endpoint ? [`oifname != ${tunnel} ${isBypassed} masquerade`] : []),
    `${fromGuests} oifname ${tunnel} masquerade`,
  ])

/**
 * What passes from one device of this machine to another: between guests, theirs into the tunnel and what comes back, nothing
 * else. The guard lets out what this machine says to a provider or to DHCP; who sends such a thing from elsewhere is not it.
 */
const forwarded = (values: TunnelValues): string => {
  const { interface: tunnel, gateway4, gateway6 } = values
  return forwarding(values.allowLan, [
    `iifname ${tunnel} ${toGuests}`,
    // Anybody may hand this machine packets to forward; that nobody else's go in is paid for.
    `oifname ${tunnel} iifname != @${guestSetName} ${countedDrop}`,
    // Devices behind this machine do not know how much the tunnel carries: their connections begin with what fits.
    `oifname ${tunnel} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu`,
    ...elsewhere(values),
    // Where the session is paid for, this machine alone knocks.
    ...[`ip daddr ${gateway4}`, `ip6 daddr ${gateway6}`].map(
      (provider) => `oifname ${tunnel} ${provider} meta l4proto { tcp, udp } th dport != 53 drop`,
    ),
    `oifname ${tunnel} accept`,
  ])
}

/** Questions that no resolver of their family would answer: refused. Those that were redirected may go on. */
const elsewhere = (values: TunnelValues): string[] =>
  values.dns.length === 0
    ? []
    : (['ip', 'ip6'] as const).flatMap((family) => {
        const { first, all } = resolvers(values, family)
        if (first === undefined)
          return [
            `meta nfproto ${family === 'ip' ? 'ipv4' : 'ipv6'} ${question} reject with icmpx port-unreachable`,
          ]
        return [
          `${question} ${family} daddr != ${all} reject with icmpx port-unreachable`,
          `${question} ${family} daddr ${all} accept`,
        ]
      })

/** The layer that refuses at once. */
const output = ({ interface: tunnel, ...values }: TunnelValues, outer: readonly string[]): string =>
  chain('output', [
    'type filter hook output priority filter; policy drop;',
    'oifname "lo" accept',
    toGuests,
    ...(values.endpoint ? [`oifname != ${tunnel} ${isBypassed} accept`] : []),
    // Still not on its way to one that answers: the system asks its next resolver at once.
    ...elsewhere({ interface: tunnel, ...values }),
    // Connections from before the tunnel are dead: their programs learn it now, not after minutes.
    `oifname ${tunnel} ip saddr != ${values.address4} meta l4proto tcp reject with tcp reset`,
    `oifname ${tunnel} ip6 saddr != ${values.address6} meta l4proto tcp reject with tcp reset`,
    `oifname ${tunnel} accept`,
    // Redirected questions still show the device they were first routed to; the guard sees the real one.
    `ip daddr ${values.gateway4} accept`,
    `ip6 daddr ${values.gateway6} accept`,
    ...outer,
    ...(values.allowLan ? lan(refused, tunnel) : []),
    ...plumbing,
    ...refuseFast,
  ])

/** The layer that sees the device a packet really leaves by. */
const guard = ({ interface: tunnel, ...values }: TunnelValues, outer: readonly string[]): string =>
  chain('guard', [
    'type filter hook postrouting priority 300; policy drop;',
    'oifname "lo" accept',
    toGuests,
    ...(values.endpoint ? [`oifname != ${tunnel} ${isBypassed} accept`] : []),
    `oifname ${tunnel} jump upload`,
    ...outer,
    // The tunnel's own addresses may look like those of a local network.
    `ip daddr ${values.gateway4} ${countedDrop}`,
    `ip6 daddr ${values.gateway6} ${countedDrop}`,
    ...(values.allowLan ? lan('drop', tunnel) : []),
    ...plumbing,
    countedDrop,
  ])

/** What goes into the tunnel. */
const upload = (values: TunnelValues): string =>
  chain('upload', [
    // What is meant for neighbours has nobody to hear it in a tunnel, and is not worth a megabyte.
    'ip6 daddr ff00::/8 drop',
    'ip daddr { 224.0.0.0/4, 255.255.255.255 } drop',
    // Connections from before the tunnel carry another address; the provider would drop them.
    `ip saddr != ${values.address4} drop`,
    `ip6 saddr != ${values.address6} drop`,
    `ip daddr ${values.gateway4} meta l4proto { tcp, udp } th dport != 53 accept`,
    `ip6 daddr ${values.gateway6} meta l4proto { tcp, udp } th dport != 53 accept`,
    `ip daddr ${values.gateway4} meta l4proto != { tcp, udp } accept`,
    `ip6 daddr ${values.gateway6} meta l4proto != { tcp, udp } accept`,
    ...charged(values.limit, objectNames.up, [
      `ip daddr ${values.gateway4} counter name "${objectNames.namesUp}"`,
      `ip6 daddr ${values.gateway6} counter name "${objectNames.namesUp}"`,
    ]),
  ])

/**
 * The body of the table for when there is no tunnel: loopback and what keeps the link itself alive, nothing else.
 *
 * @param policy - Whether a provider's payment port is open.
 * @param options.asked - Of the one provider that is asked for a new tunnel, one for each of its addresses.
 * @param options.lookUp - Whether the addresses of its host are being asked for.
 */
export function shutRuleset(
  policy: Policy,
  options: {
    asked: readonly PaymentPort[]
    lookUp: boolean
    allowLan: boolean
    guests: readonly string[]
  },
): string {
  const { asked, lookUp, allowLan, guests } = options
  const passes = (verdict: string) => [
    'oifname "lo" accept',
    toGuests,
    ...(policy.endpoint === 'payment-port' ? asked.map(acceptPayment) : []),
    ...(policy.endpoint === 'payment-port' && lookUp ? [`meta skuid ${nameAsker} ${question} accept`] : []),
    ...(allowLan ? lan(verdict) : []),
    ...plumbing,
  ]
  return table([
    `counter ${objectNames.stopped} { }`,
    guestSet(guests),
    chain('output', [
      'type filter hook output priority filter; policy drop;',
      ...passes(refused),
      ...refuseFast,
    ]),
    chain('guard', [
      'type filter hook postrouting priority 300; policy drop;',
      ...passes('drop'),
      countedDrop,
    ]),
    forwarding(allowLan),
  ])
}

/** The command that sets how many bytes a standing tunnel lets through in all; what was used stays used. */
export const limitRule = (limit: string): string =>
  `add quota inet ${killSwitchTable} ${objectNames.cap} { over ${limit}; }`

/** The command that makes a standing tunnel forward nothing more; the payment socket goes on. */
export const haltRule = `add rule inet ${killSwitchTable} ${objectNames.halted} drop`

/** WireGuard's own packets and the provider's payment socket; with reverse path filtering, answers carry the mark. */
function outerRules(endpoint: NonNullable<TunnelValues['endpoint']>, fwmark: string) {
  const { family, address, udpPort } = endpoint
  if (udpPort === undefined) return { accept: [acceptPayment(endpoint)], marks: [] }
  const ours = `meta mark ${fwmark} ${family} daddr ${address} udp dport ${udpPort}`
  return {
    accept: [`${ours} accept`, acceptPayment(endpoint)],
    marks: [
      chain('answers', [
        'type filter hook prerouting priority mangle; policy accept;',
        `${family} saddr ${address} udp sport ${udpPort} meta mark set ct mark`,
      ]),
      chain('asked', [
        'type filter hook postrouting priority mangle; policy accept;',
        `${ours} ct mark set meta mark`,
      ]),
      // No router may take them apart: one that is too large has to be missed by whoever looks for the path's MTU.
      // IPv6 has no such bit, since no router there takes anything apart.
      ...(family === 'ip'
        ? [
            chain('wrapping', [
              'type filter hook output priority mangle; policy accept;',
              `${ours} ip frag-off & 0xbfff == 0 ip frag-off set 0x4000`,
            ]),
          ]
        : []),
    ],
  }
}

const acceptPayment = ({ family, address, tcpPort }: PaymentPort): string =>
  `${family} daddr ${address} tcp dport ${tcpPort} accept`

const table = (contents: readonly string[]): string => contents.join('\n')
