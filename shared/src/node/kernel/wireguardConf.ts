import { isIP, isIPv4 } from 'node:net'
import { isWireguardKey, type WireguardKey, wireguardKeyToHex } from './wireguardKeys.js'

/** Where a peer is reached: an IP address (names are resolved before) and a UDP port. */
export interface WireguardEndpoint {
  readonly host: string
  readonly port: number
}

/** A peer to be configured. */
export interface WireguardPeerConf {
  readonly publicKey: WireguardKey
  readonly presharedKey?: WireguardKey
  /** CIDR ranges this peer may send from and is routed to. */
  readonly allowedIps: readonly string[]
  readonly endpoint?: WireguardEndpoint
  /** Seconds between keepalives; left out: none. */
  readonly keepaliveSeconds?: number
}

/** An interface to be configured; what is left out of it is reset. */
export interface WireguardConf {
  readonly privateKey: WireguardKey
  /** UDP port; left out: chosen by the system. */
  readonly listenPort?: number
  /** Mark on the outer packets, by which routing and firewall know them. */
  readonly fwmark?: number
  readonly peers: readonly WireguardPeerConf[]
}

/** A peer as the interface reports it. Bytes include WireGuard's own 32 a packet: for liveness, never for billing. */
export interface WireguardPeer {
  readonly publicKey: WireguardKey
  readonly endpoint: WireguardEndpoint | undefined
  readonly allowedIps: readonly string[]
  /** Unix seconds of the last handshake; undefined when there was none yet. */
  readonly latestHandshakeAt: number | undefined
  readonly receivedBytes: bigint
  readonly sentBytes: bigint
}

/** An interface as it reports itself. The secrets of the report are left behind. */
export interface WireguardState {
  readonly publicKey: WireguardKey | undefined
  readonly listenPort: number
  readonly fwmark: number
  readonly peers: readonly WireguardPeer[]
}

/** The text for `wg setconf`. It holds secrets. @throws TypeError on a value that is not what it should be. */
export function writeConf(conf: WireguardConf): string {
  const lines = ['[Interface]', `PrivateKey = ${key(conf.privateKey)}`]
  if (conf.listenPort !== undefined)
    lines.push(`ListenPort = ${whole('listen port', conf.listenPort, 65_535)}`)
  if (conf.fwmark !== undefined) lines.push(`FwMark = ${whole('fwmark', conf.fwmark, 0xffff_ffff)}`)
  return `${lines.join('\n')}\n${conf.peers.map(writePeer).join('')}`
}

/** The text of one peer for `wg addconf`. It may hold a secret. @throws TypeError as `writeConf`. */
export function writePeer(peer: WireguardPeerConf): string {
  const lines = ['[Peer]', `PublicKey = ${key(peer.publicKey)}`]
  if (peer.presharedKey !== undefined) lines.push(`PresharedKey = ${key(peer.presharedKey)}`)
  if (peer.allowedIps.length > 0) lines.push(`AllowedIPs = ${peer.allowedIps.map(range).join(', ')}`)
  if (peer.endpoint !== undefined) lines.push(`Endpoint = ${writeEndpoint(peer.endpoint)}`)
  if (peer.keepaliveSeconds !== undefined)
    lines.push(`PersistentKeepalive = ${whole('keepalive', peer.keepaliveSeconds, 65_535)}`)
  return `${lines.join('\n')}\n`
}

/**
 * The same for the socket on which a userspace WireGuard listens (wireguard.com/xplatform). It may hold a secret.
 * @throws TypeError as `writeConf`.
 */
export function writePeerForSocket(peer: WireguardPeerConf): string {
  const lines = [`public_key=${hex(peer.publicKey)}`]
  if (peer.presharedKey !== undefined) lines.push(`preshared_key=${hex(peer.presharedKey)}`)
  if (peer.endpoint !== undefined) lines.push(`endpoint=${writeEndpoint(peer.endpoint)}`)
  if (peer.keepaliveSeconds !== undefined)
    lines.push(`persistent_keepalive_interval=${whole('keepalive', peer.keepaliveSeconds, 65_535)}`)
  lines.push('replace_allowed_ips=true', ...peer.allowedIps.map((each) => `allowed_ip=${range(each)}`))
  return `${lines.join('\n')}\n`
}

/** What takes a peer away there. @throws TypeError as `writeConf`. */
export const writeRemovalForSocket = (publicKey: WireguardKey): string =>
  `public_key=${hex(publicKey)}\nremove=true\n`

/** Reads `wg show IF dump`: one line for the interface, one for each peer, fields separated by tabs. */
export function parseDump(text: string): WireguardState {
  const [first, ...rest] = text.split('\n').filter((line) => line !== '')
  const [, publicKey, listenPort, fwmark] = fields(first ?? '', 4)
  return {
    publicKey: publicKey === '(none)' ? undefined : publicKey,
    listenPort: Number(listenPort),
    fwmark: fwmark === 'off' ? 0 : Number(fwmark),
    peers: rest.map(parsePeer),
  }
}

function parsePeer(line: string): WireguardPeer {
  const [publicKey, , endpoint, allowedIps, handshake, received, sent] = fields(line, 8)
  const at = Number(handshake)
  return {
    publicKey: publicKey ?? '',
    endpoint: parseEndpoint(endpoint ?? ''),
    allowedIps: allowedIps === '(none)' ? [] : (allowedIps ?? '').split(','),
    latestHandshakeAt: at === 0 ? undefined : at,
    receivedBytes: BigInt(received ?? ''),
    sentBytes: BigInt(sent ?? ''),
  }
}

function fields(line: string, count: number): string[] {
  const found = line.split('\t')
  if (found.length !== count)
    throw new Error(`wg show dump has a line of ${found.length} fields where ${count} were expected.`)
  return found
}

function writeEndpoint({ host, port }: WireguardEndpoint): string {
  const family = isIP(host)
  if (family === 0)
    throw new TypeError(`A WireGuard endpoint needs an IP address, but got ${JSON.stringify(host)}.`)
  return `${family === 6 ? `[${host}]` : host}:${whole('endpoint port', port, 65_535)}`
}

function parseEndpoint(text: string): WireguardEndpoint | undefined {
  const match = /^\[?(.*?)\]?:(\d+)$/.exec(text)
  if (match === null) return undefined
  return { host: match[1] ?? '', port: Number(match[2]) }
}

function range(cidr: string): string {
  const [address = '', bits = '', ...more] = cidr.split('/')
  const most = isIPv4(address) ? 32 : 128
  if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most || more.length > 0)
    throw new TypeError(
      `An allowed range is an address and a prefix length like 10.8.0.2/32, not ${JSON.stringify(cidr)}.`,
    )
  return cidr
}

function key(text: WireguardKey): WireguardKey {
  if (!isWireguardKey(text))
    throw new TypeError('A WireGuard key is 32 bytes in base64; this is something else.')
  return text
}

const hex = (text: WireguardKey): string => wireguardKeyToHex(key(text)).slice(2)

function whole(what: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new TypeError(`The ${what} must be a whole number from 0 to ${most}, not ${value}.`)
  return value
}
