import { parseRange } from './addressRange.js'

/** Transport and port, or port range. */
export interface PortRange {
  readonly transport: 'tcp' | 'udp'
  readonly from: number
  readonly to: number
}

/**
 * What a provider does not forward, beyond the ranges that nobody does. In an offer it reads
 * `deny tcp/25, deny udp/6881-6889, deny 203.0.113.0/24`, or `only tcp/80, only tcp/443, only udp/443` of one that
 * forwards nothing else.
 */
export interface ExitPolicy {
  readonly closedPorts: readonly PortRange[]
  /** Networks of either family, such as `203.0.113.0/24`. */
  readonly closedNetworks: readonly string[]
  /** What alone is forwarded; empty where everything is that is not closed. */
  readonly openPorts: readonly PortRange[]
}

/** Mail submission without a password is what makes an address blacklisted: closed unless opened on purpose. */
export const defaultExitPolicy = 'deny tcp/25'

/**
 * Reads an exit policy.
 *
 * @throws RangeError naming the rule that is none.
 */
export function parseExitPolicy(text: string): ExitPolicy {
  const rules = text
    .split(',')
    .map((rule) => rule.trim())
    .filter((rule) => rule !== '')
  const words = rules.map((rule) => ({ rule, ...ruleWords(rule) }))
  const ports = (verb: string) =>
    words.flatMap(({ verb: used, port }) => (used === verb && port !== undefined ? [port] : []))
  return {
    closedPorts: ports('deny'),
    closedNetworks: words.flatMap(({ network }) => (network === undefined ? [] : [network])),
    openPorts: ports('only'),
  }
}

function ruleWords(rule: string): { verb: string; port?: PortRange; network?: string } {
  const [verb = '', what = '', ...more] = rule.split(' ')
  const port = parsePort(what)
  if (more.length === 0 && port !== undefined && ['deny', 'only'].includes(verb)) return { verb, port }
  if (more.length === 0 && verb === 'deny' && parseRange(what) !== undefined) return { verb, network: what }
  throw new RangeError(
    `"${rule}" is not a rule of an exit policy: expected "deny tcp/25", "deny udp/6881-6889", "deny 203.0.113.0/24" or "only tcp/443".`,
  )
}

function parsePort(text: string): PortRange | undefined {
  const match = /^(tcp|udp)\/(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const from = Number(match?.[2])
  const to = Number(match?.[3] ?? match?.[2])
  if (!match || from < 1 || to > 65_535 || from > to) return undefined
  return { transport: match[1] as 'tcp' | 'udp', from, to }
}

/**
 * IPv4 ranges that no consumer reaches through a provider: the networks of its owner, of its carrier, of the
 * machine itself, and what is no single host (RFC 6890).
 */
export const closedRanges4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Azure's own services to its machines: it only looks public.
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const

/** IPv6 addresses of the internet proper; all others are private, local, multicast, or carry an IPv4 address. */
export const globalRange6 = '2000::/3'

/** Ranges within it that wrap IPv4 addresses, private ones among them: Teredo and 6to4. */
export const closedRanges6 = ['2001::/32', '2002::/16'] as const
