/** The counter, in each of our tables, of what was refused without an answer. */
export const stoppedCounter = 'stopped'
export const countedDrop = `counter name "${stoppedCounter}" drop`

/**
 * Printers, files, shells of the local network; never a question for a name, which would tell where one goes.
 *
 * @param verdict - What such a question meets: only `output` can answer, the guard drops.
 */
export const lan = (verdict: string, tunnel?: string): string[] => {
  const elsewhere = tunnel === undefined ? '' : `oifname != ${tunnel} `
  return [
    `${elsewhere}${namePorts} ${verdict}`,
    ...localNeighbours('daddr').map((neighbours) => `${elsewhere}${neighbours} accept`),
  ]
}

/** Those of the local network, in each family. */
export const localNeighbours = (end: 'saddr' | 'daddr'): readonly string[] => [
  `ip ${end} { ${localRanges4.join(', ')} }`,
  `ip6 ${end} { ${localRanges6.join(', ')} }`,
]

/** Private and link-local ranges, and what only neighbours hear. */
export const localRanges4 = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '224.0.0.0/24',
  '239.255.0.0/16',
  '255.255.255.255',
]
export const localRanges6 = ['fe80::/10', 'fc00::/7', 'ff02::/16']

/** DHCP and neighbour discovery: without them the link under the tunnel would die. They tell no host beyond it. */
export const plumbing = [
  'meta nfproto ipv4 udp sport 68 udp dport 67 accept',
  'ip6 daddr { ff02::1:2, fe80::/10 } udp sport 546 udp dport 547 accept',
  'ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept',
]

/** A question for a name, however it travels. */
export const question = 'meta l4proto { tcp, udp } th dport 53'

/** As `question`, and names asked for over TLS. */
const namePorts = 'meta l4proto { tcp, udp } th dport { 53, 853 }'

/** How something is refused, so that its program learns it. */
export const refused = 'reject with icmpx admin-prohibited'
/** As `refused`, for all that is left. */
export const refuseFast = ['meta l4proto tcp reject with tcp reset', refused]

/** A chain of a table. */
export const chain = (name: string, rules: readonly string[]): string =>
  `  chain ${name} {\n${rules.map((rule) => `${beforeRule}${rule}\n`).join('')}  }`
const beforeRule = '    '

/** How many rules there are in chains, as a text has them. */
export const rulesIn = (text: string): number =>
  text.split('\n').filter((line) => line.startsWith(beforeRule) && !line.startsWith(`${beforeRule}type `))
    .length
