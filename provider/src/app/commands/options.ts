import {
  address,
  type Bytes,
  bytes,
  coinDecimals,
  parseBytes,
  parseTimePrice,
  parseTokens,
  parseTrafficPrice,
} from '@pontage/shared'
import {
  type Chain,
  type ChainOptions,
  type Given,
  type KeyOptions,
  UserError,
  wholeNumber,
} from '@pontage/shared/node'
import { creditFor, parseBandwidth } from '../../core/bandwidth.js'
import { defaultExitPolicy } from '../../core/exitPolicy.js'
import type { Settings } from '../settings.js'
import { readRedeemSettings, redeemFlags } from './redeemOptions.js'

/** How fast consumers may be; a running provider changes it by the command `limit`. */
export const limitFlags = {
  'total-limit': {
    type: 'string',
    default: 'none',
    describe: 'Speed limit for all sessions together, in each direction, such as 50Mbit',
  },
  'session-limit': {
    type: 'string',
    default: 'none',
    describe: 'Speed limit for each session, in each direction, such as 10Mbit',
  },
} as const

/** Settings of serving; `init` writes those it is given into config.yaml. */
export const serveFlags = {
  endpoint: { type: 'string', describe: 'Public HOST:PORT that consumers connect to' },
  price: { type: 'string', describe: 'Price of traffic in tokens, such as 0.05/GB' },
  'time-price': { type: 'string', default: '0/h', describe: 'Price of time in tokens, such as 0.01/h' },
  country: { type: 'string', describe: 'Two-letter code of the country where the traffic exits' },
  hub: { type: 'string', array: true, describe: 'Hub whose guarantees are accepted; can be repeated' },
  host: { type: 'string', default: '::', describe: 'Address to listen on; :: for IPv4 and IPv6' },
  port: { type: 'number', describe: 'TCP port to listen on, if different from the endpoint’s' },
  'wireguard-port': { type: 'number', default: 51_820, describe: 'UDP port for the tunnels' },
  'tls-certificate': {
    type: 'string',
    isPath: true,
    describe: 'PEM file of a certificate for the endpoint’s host, read again when it is renewed',
  },
  'tls-key': { type: 'string', isPath: true, describe: 'PEM file of its key' },
  front: {
    type: 'string',
    isPath: true,
    describe: 'Folder of web pages that strangers find at the endpoint; by default a plain site',
  },
  unlisted: {
    type: 'boolean',
    default: false,
    describe: 'Publish nothing: only those who were given an invitation find this provider',
  },
  'port-mapping': {
    choices: ['auto', 'on', 'off'] as const,
    default: 'auto' as const,
    describe: 'Ask the router to forward the ports with NAT-PMP or UPnP; auto: only behind NAT',
  },
  'reach-check': {
    type: 'boolean',
    default: true,
    describe: 'Publish the offer only if a hub reaches the ports from outside',
  },
  'metrics-port': {
    type: 'number',
    describe: 'Port on 127.0.0.1 for Prometheus; off by default',
  },
  'gas-warning': {
    type: 'string',
    default: '0.05',
    describe: 'Warn when less than this of the chain’s coin is left for gas',
  },
  uplink: {
    type: 'string',
    describe: 'Network device for outgoing traffic; by default that of the default route',
  },
  subnet4: { type: 'string', default: '10.86.0.0/16', describe: 'IPv4 subnet for the tunnels' },
  subnet6: { type: 'string', default: 'fd50:6f6e:7467::/64', describe: 'IPv6 subnet for the tunnels' },
  resolver: {
    type: 'string',
    array: true,
    describe: 'DNS resolver for consumers; by default the machine’s own',
  },
  credit: { type: 'string', default: '2MB', describe: 'Least traffic to forward ahead of payment' },
  prepay: { type: 'boolean', default: false, describe: 'Forward nothing ahead of payment' },
  speed: {
    type: 'string',
    default: '80Mbit',
    describe: 'Speed offered to one session; 200 ms of it are forwarded ahead of payment',
  },
  ...limitFlags,
  grace: { type: 'number', default: 30, describe: 'Seconds a session may go unpaid or without a connection' },
  'gone-after': {
    type: 'number',
    default: 120,
    describe:
      'Seconds of silence in the tunnel after which a consumer counts as gone; consumers send a keepalive every 25',
  },
  'withdraw-after': {
    type: 'number',
    default: 300,
    describe: 'Seconds without a way to the internet after which the offer is withdrawn until there is one',
  },
  'clear-every': { type: 'number', default: 60, describe: 'Seconds between clearings with the hub' },
  ...redeemFlags,
  ceiling: { type: 'string', default: '1GB', describe: 'Traffic that a guarantee should cover' },
  'max-sessions': { type: 'number', default: 250, describe: 'Most sessions at the same time' },
  'min-stake': { type: 'string', default: '0', describe: 'Tokens a consumer must have staked' },
  'min-age': {
    type: 'string',
    default: '0h',
    describe: 'How long ago a consumer must have registered: 12h, 30d',
  },
  allow: {
    type: 'string',
    array: true,
    describe: 'Identity to serve; all others are refused; can be repeated',
  },
  deny: { type: 'string', array: true, describe: 'Identity never to serve; can be repeated' },
  'exit-policy': {
    type: 'string',
    default: defaultExitPolicy,
    describe:
      'Ports and networks that are not forwarded: "deny tcp/25, deny 203.0.113.0/24", or "only tcp/443"',
  },
} as const

export type ServeOptions = ChainOptions & KeyOptions & Given<typeof serveFlags>

/**
 * Reads the settings of serving.
 *
 * @throws UserError or RangeError naming the setting that is missing or wrong.
 */
export function readSettings(given: ServeOptions, chain: Pick<Chain, 'tokenDecimals'>): Settings {
  const { tokenDecimals } = chain
  const demanded = demand(given)
  const { hub: hubs } = demanded
  const country = demanded.country.toUpperCase()
  if (!/^[A-Z]{2}$/.test(country))
    throw new UserError(`"${demanded.country}" is not a two-letter country code, such as DE.`)
  const endpoint = readEndpoint(demanded.endpoint)
  return {
    home: given.home,
    endpoint,
    listen: { host: given.host, port: port('--port', given.port ?? endpoint.port) },
    wireguardPort: port('--wireguard-port', given.wireguardPort),
    tls: readTls(given),
    front: given.front,
    unlisted: given.unlisted,
    portMapping: given.portMapping,
    // A hub that tries our ports knows them.
    reachCheck: given.reachCheck && !given.unlisted,
    metricsPort: given.metricsPort === undefined ? undefined : port('--metrics-port', given.metricsPort),
    gasWarnBelow: parseTokens(String(given.gasWarning), coinDecimals),
    price: {
      perMegabyte: parseTrafficPrice(demanded.price, tokenDecimals),
      perHour: parseTimePrice(given.timePrice, tokenDecimals),
    },
    country,
    hubs: [...new Set(hubs.map(address))],
    exitPolicy: given.exitPolicy,
    access: {
      allow: (given.allow ?? []).map((text) => address(text)),
      deny: (given.deny ?? []).map((text) => address(text)),
      minStake: parseTokens(String(given.minStake), tokenDecimals),
      minAgeSeconds: readAge(given.minAge),
    },
    uplink: given.uplink,
    subnet4: given.subnet4,
    subnet6: given.subnet6,
    resolvers: given.resolver ?? [],
    creditBytes: given.prepay ? bytes(0n) : readCredit(given),
    limits: { total: parseBandwidth(given.totalLimit), session: parseBandwidth(given.sessionLimit) },
    ceilingBytes: atLeast('--ceiling', parseBytes(given.ceiling), 1_000_000n),
    graceSeconds: wholeNumber('--grace', given.grace, 1),
    goneAfterSeconds: wholeNumber('--gone-after', given.goneAfter, 30),
    withdrawAfterSeconds: wholeNumber('--withdraw-after', given.withdrawAfter, 1),
    clearEverySeconds: wholeNumber('--clear-every', given.clearEvery, 1),
    maxSessions: wholeNumber('--max-sessions', given.maxSessions, 1),
    ...readRedeemSettings(given, chain),
  }
}

/** @throws UserError unless it is HOST:PORT. */
export function readEndpoint(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text)
  if (!match?.[1])
    throw new UserError(`"${text}" is not an endpoint: expected HOST:PORT, such as 203.0.113.7:7711.`)
  return { host: match[1], port: port('--endpoint', Number(match[2])) }
}

function readTls({ tlsCertificate, tlsKey }: ServeOptions): Settings['tls'] {
  if (tlsCertificate === undefined && tlsKey === undefined) return undefined
  if (tlsCertificate === undefined || tlsKey === undefined)
    throw new UserError('--tls-certificate and --tls-key go together. Give both, or neither.')
  return { certificate: tlsCertificate, key: tlsKey }
}

/** What nobody can serve without, and what each is. */
const demands = {
  hub: ['--hub ADDRESS', 'the hub whose guarantees you accept'],
  endpoint: ['--endpoint HOST:PORT', 'the address that consumers connect to'],
  price: ['--price 0.05/GB', 'the price of traffic in tokens'],
  country: ['--country DE', 'the country where the traffic exits'],
} as const
type Demanded = { readonly [name in keyof typeof demands]: NonNullable<ServeOptions[name]> }

/** @throws UserError naming all that is missing. */
function demand(given: ServeOptions): Demanded {
  const missing = Object.entries(demands).filter(([name]) => {
    const value = given[name as keyof typeof demands]
    return value === undefined || (Array.isArray(value) && value.length === 0)
  })
  const [one] = missing
  if (one === undefined) return given as Demanded
  const [flag, what] = one[1]
  throw new UserError(
    missing.length === 1
      ? `${flag} is missing: ${what}. Give the flag, or put it into config.yaml.`
      : `Missing are ${missing.map(([, [flag, what]]) => `${flag} (${what})`).join(', ')}. Give the flags, put them into config.yaml, or have "pontage-provider setup" ask for them.`,
  )
}

const ageUnits: Readonly<Record<string, number>> = { m: 60, h: 3_600, d: 86_400 }

function readAge(text: string): number {
  const match = /^(\d{1,5})([mhd])$/.exec(text)
  if (!match)
    throw new UserError(`--min-age is "${text}": expected minutes, hours or days, such as 12h or 30d.`)
  return Number(match[1]) * (ageUnits[match[2] ?? ''] ?? 0)
}

/** What is asked for, and no less than payments need to keep up with the speed. */
function readCredit({ credit, speed, sessionLimit }: ServeOptions): Bytes {
  const asked = atLeast('--credit', parseBytes(credit), 1_000_000n)
  const offered = parseBandwidth(speed)
  if (offered === undefined) throw new UserError('--speed cannot be none: give a speed, such as 80Mbit.')
  const limit = parseBandwidth(sessionLimit)
  const needed = creditFor(limit !== undefined && limit < offered ? limit : offered)
  return needed > asked ? bytes(needed) : asked
}

const port = (flag: string, value: number): number => wholeNumber(flag, value, 1, 65_535)

function atLeast<T extends bigint>(flag: string, value: T, least: bigint): T {
  if (value < least) throw new UserError(`${flag} is ${value} bytes; at least ${least} bytes are needed.`)
  return value
}
