import { join } from 'node:path'
import { address, parseBytes, parseTimePrice, parseTokens, parseTrafficPrice } from '@pontage/shared'
import {
  type Chain,
  type CommonOptions,
  connectChain,
  openKeystore,
  readPassword,
  UserError,
} from '@pontage/shared/node'
import type { Argv, InferredOptionTypes } from 'yargs'
import { defaultExitPolicy } from '../../core/exitPolicy.js'
import type { Settings } from '../settings.js'

/** Settings of every command that touches the chain. */
export const chainOptions = {
  rpc: { type: 'string', default: 'http://127.0.0.1:8545', describe: 'JSON-RPC address of the chain' },
  deployment: {
    type: 'string',
    describe: 'File naming the contracts; the known ones of the chain when left out',
  },
  confirmations: {
    type: 'number',
    default: 0,
    describe: 'Blocks that must follow one before it is relied upon',
  },
  'password-file': { type: 'string', describe: 'File holding the password of the keystore' },
} as const

/** Settings of serving; `init` writes those it is given into config.yaml. */
export const serveOptions = {
  endpoint: { type: 'string', describe: 'Public HOST:PORT at which consumers connect' },
  price: { type: 'string', describe: 'Price of traffic, such as 0.05/GB' },
  'time-price': { type: 'string', default: '0/h', describe: 'Price of time, such as 0.01/h' },
  country: { type: 'string', describe: 'Country in which traffic comes out, two letters' },
  hub: { type: 'string', array: true, describe: 'Hub whose guarantees are accepted; may be repeated' },
  host: { type: 'string', default: '0.0.0.0', describe: 'Address to listen on' },
  port: { type: 'number', describe: 'TCP port to listen on, when it is not that of the endpoint' },
  'wireguard-port': { type: 'number', default: 51_820, describe: 'UDP port of the tunnels' },
  uplink: {
    type: 'string',
    describe: 'Network device traffic leaves by; that of the default route when left out',
  },
  subnet4: { type: 'string', default: '10.86.0.0/16', describe: 'IPv4 addresses of the tunnels' },
  subnet6: { type: 'string', default: 'fd50:6f6e:7467::/64', describe: 'IPv6 addresses of the tunnels' },
  resolver: {
    type: 'string',
    array: true,
    describe: 'DNS resolver for consumers; the machine’s own when left out',
  },
  credit: { type: 'string', default: '2MB', describe: 'Traffic forwarded ahead of payment' },
  grace: { type: 'number', default: 30, describe: 'Seconds a session may stand unpaid or unconnected' },
  'clear-every': { type: 'number', default: 60, describe: 'Seconds between clearings with the hub' },
  'auto-redeem': { type: 'boolean', default: false, describe: 'Redeem on chain by itself' },
  'redeem-above': { type: 'string', default: '1', describe: 'Tokens that are worth a redemption' },
  ceiling: { type: 'string', default: '1GB', describe: 'Traffic a guarantee should allow for' },
  'max-sessions': { type: 'number', default: 250, describe: 'Sessions at the same time' },
  'exit-policy': {
    type: 'string',
    default: defaultExitPolicy,
    describe: 'What is not forwarded, such as "deny tcp/25"',
  },
} as const

/** `clear-every` is typed, `clearEvery` is read. */
type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name
type AsRead<Options> = { [Name in keyof Options as Camel<Name & string>]: Options[Name] }

export type ChainOptions = CommonOptions & AsRead<InferredOptionTypes<typeof chainOptions>>
export type ServeOptions = ChainOptions & AsRead<InferredOptionTypes<typeof serveOptions>>

export const withChain = (parser: Argv<CommonOptions>) => parser.options(chainOptions)
export const withServing = (parser: Argv<CommonOptions>) => parser.options(chainOptions).options(serveOptions)

export const keystorePath = (home: string): string => join(home, 'keystore.json')

/** The identity of a home. @throws UserError for a missing keystore or a wrong password. */
export const unlock = async ({ home, passwordFile }: ChainOptions) =>
  openKeystore(keystorePath(home), await readPassword(passwordFile, 'Password of the keystore: '))

/** @throws UserError when the chain cannot be used. */
export const chainOf = ({ rpc, deployment, confirmations }: ChainOptions): Promise<Chain> =>
  connectChain({ rpc, confirmations, ...(deployment === undefined ? {} : { deploymentFile: deployment }) })

/**
 * Reads the settings of serving.
 *
 * @throws UserError or RangeError naming the setting that is missing or wrong.
 */
export function readSettings(given: ServeOptions, chain: Pick<Chain, 'tokenDecimals'>): Settings {
  const { tokenDecimals } = chain
  const hubs = demand(given.hub, '--hub ADDRESS', 'the hub whose guarantees you accept')
  const country = demand(given.country, '--country DE', 'where traffic comes out').toUpperCase()
  if (!/^[A-Z]{2}$/.test(country))
    throw new UserError(`"${country}" is not a country of two letters, such as DE.`)
  const endpoint = readEndpoint(demand(given.endpoint, '--endpoint HOST:PORT', 'where consumers reach you'))
  return {
    home: given.home,
    endpoint,
    listen: { host: given.host, port: port('--port', given.port ?? endpoint.port) },
    wireguardPort: port('--wireguard-port', given.wireguardPort),
    price: {
      perMegabyte: parseTrafficPrice(
        demand(given.price, '--price 0.05/GB', 'what traffic costs'),
        tokenDecimals,
      ),
      perHour: parseTimePrice(given.timePrice, tokenDecimals),
    },
    country,
    hubs: [...new Set(hubs.map(address))],
    exitPolicy: given.exitPolicy,
    uplink: given.uplink,
    subnet4: given.subnet4,
    subnet6: given.subnet6,
    resolvers: given.resolver ?? [],
    creditBytes: atLeast('--credit', parseBytes(given.credit), 1_000_000n),
    ceilingBytes: atLeast('--ceiling', parseBytes(given.ceiling), 1_000_000n),
    graceSeconds: whole('--grace', given.grace, 1),
    clearEverySeconds: whole('--clear-every', given.clearEvery, 1),
    maxSessions: whole('--max-sessions', given.maxSessions, 1),
    redeem: { auto: given.autoRedeem, above: parseTokens(String(given.redeemAbove), tokenDecimals) },
  }
}

function readEndpoint(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text)
  if (!match?.[1])
    throw new UserError(`"${text}" is not an endpoint: expected HOST:PORT, such as 203.0.113.7:7711.`)
  return { host: match[1], port: port('--endpoint', Number(match[2])) }
}

function demand<T>(value: T | undefined, flag: string, what: string): T {
  if (value === undefined || (Array.isArray(value) && value.length === 0))
    throw new UserError(`${flag} is missing: ${what}. Give the flag, or write it into config.yaml.`)
  return value
}

function port(flag: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 65_535)
    throw new UserError(`${flag}: ${value} is not a port. Choose one from 1 to 65535.`)
  return value
}

function whole(flag: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw new UserError(`${flag}: a whole number of at least ${least} is expected, not ${value}.`)
  return value
}

function atLeast<T extends bigint>(flag: string, value: T, least: bigint): T {
  if (value < least) throw new UserError(`${flag}: ${value} bytes are too few; at least ${least} are needed.`)
  return value
}
