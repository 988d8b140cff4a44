import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { type ConnectionOptions, TLSSocket, connect as tlsConnect } from 'node:tls'
import { WebSocket } from 'ws'
import { type Refusal, refuse, type Verdict } from '../../refusal.js'
import type { Address, Hex } from '../../units.js'
import type { Log } from '../report/log.js'
import { frameLimits } from './frameLimits.js'
import { type Introduction, sayHello } from './hello.js'
import { Inbox } from './inbox.js'
import { defaultLimits, Gatekeeper } from './limits.js'
import type { Handlers, Link } from './link.js'
import { raceConnect } from './raceConnect.js'
import { startLink } from './startLink.js'

/** Fingerprint where there is no TLS. */
export const noCertificate: Hex = `0x${'00'.repeat(32)}`

/** What is expected of a certificate that an offer names: nothing where it names none, because that is renewed. */
export const pinned = (certificate: Hex): { expectCertificate?: Hex } =>
  certificate === noCertificate ? {} : { expectCertificate: certificate }

/** SHA-256 of a certificate in DER. */
export const fingerprintOf = (der: Uint8Array): Hex => `0x${createHash('sha256').update(der).digest('hex')}`

/**
 * Key exchanges offered in TLS. The hybrid ones that newer versions of Node offer by themselves make the first message
 * larger than a packet; on a path that takes less than 1,500 bytes and does not say so, it would never arrive.
 */
export const ecdhCurve = 'X25519:P-256'

const pin = /#sha256=([0-9a-f]{64})$/

/** The url with the fingerprint of the certificate that is found there: `wss://HOST:PORT#sha256=…`. */
export const pinnedUrl = (url: string, certificate: Hex): string =>
  `${url.replace(/#.*/, '')}#sha256=${certificate.slice(2)}`

/** Where to connect, and which certificate the url says is there; undefined when what follows its # is no fingerprint. */
export function readPinnedUrl(url: string): { where: string; certificate?: Hex } | undefined {
  const fingerprint = pin.exec(url)?.[1]
  if (fingerprint === undefined) return url.includes('#') ? undefined : { where: url }
  return { where: url.replace(pin, ''), certificate: `0x${fingerprint}` }
}

/**
 * Connects to `ws://` or `wss://` and proves who both ends are. A certificate is not trusted by its issuer
 * but bound into both signatures, and compared with `expectCertificate`, or the one its url names, where one was
 * published.
 */
export async function connectLink(options: {
  url: string
  self: Omit<Introduction, 'certificate'>
  expectPeer?: Address
  expectCertificate?: Hex
  handlers: Handlers
  log: Log
  timeoutMs?: number
  /** The name of the host whose address is in the url: what a web server there is called by. */
  hostname?: string
  /** How soon a silent peer is asked whether it lives; it counts as gone after twice as long. */
  pingEveryMs?: number
}): Promise<Verdict<{ link: Link }>> {
  const { url, self, expectPeer, handlers, log, timeoutMs = 10_000, pingEveryMs } = options
  const pinned = readPinnedUrl(url)
  if (!pinned)
    return refuse({
      code: 'unreachable',
      url,
      reason: 'it has something other than sha256=FINGERPRINT after the #',
    })
  const { where } = pinned
  const expectCertificate = options.expectCertificate ?? pinned.certificate
  const socket = new WebSocket(where, {
    rejectUnauthorized: false,
    // As a browser names the host that it looked up.
    ...(options.hostname === undefined
      ? {}
      : { servername: options.hostname, headers: { Host: options.hostname } }),
    ...frameLimits,
    handshakeTimeout: timeoutMs,
    ecdhCurve,
    createConnection: racing(where, timeoutMs),
    // A mask keeps proxies from reading meaning into plain text; inside TLS it would only cost time.
    ...(/^wss:/i.test(where) ? { generateMask: (mask: Buffer) => mask.fill(0) } : {}),
  })
  const inbox = new Inbox(socket)
  const opened = await opening(socket, where)
  if (!opened.ok) return opened
  const { certificate, remoteAddress } = opened
  if (expectCertificate !== undefined && certificate !== expectCertificate) {
    socket.terminate()
    return refuse({ code: 'wrong-certificate', seen: certificate, expected: expectCertificate })
  }
  const hello = await sayHello(socket, inbox, { ...self, certificate }, expectPeer)
  if (!hello.ok) {
    socket.terminate()
    return hello
  }
  const allowance = new Gatekeeper(defaultLimits, self.clock).allowance(hello.peer, remoteAddress)
  const { maxBacklogBytes } = defaultLimits
  const { peer } = hello
  const parts = { socket, inbox, peer, remoteAddress, handlers, allowance, maxBacklogBytes, log }
  const link = startLink(pingEveryMs === undefined ? parts : { ...parts, pingEveryMs })
  return { ok: true, link }
}

/** What a websocket connects by: whichever of the host's addresses answers first. */
const racing = (url: string, timeoutMs: number) =>
  ((options: ConnectionOptions, done: (error: Error | null, socket?: Socket) => void) => {
    const { host = '', port = 0 } = options
    const servername = options.servername || (isIP(host) > 0 ? '' : host)
    raceConnect({ host, port, timeoutMs }).then(
      (socket) =>
        done(
          null,
          /^wss:/i.test(url) ? tlsConnect({ ...options, path: undefined, servername, socket }) : socket,
        ),
      (error: Error) => done(error),
    )
  }) as never

function opening(
  socket: WebSocket,
  url: string,
): Promise<Verdict<{ certificate: Hex; remoteAddress: string }>> {
  return new Promise((resolve) => {
    let certificate = noCertificate
    let remoteAddress = ''
    socket.on('upgrade', (response: IncomingMessage) => {
      remoteAddress = `${response.socket.remoteAddress}:${response.socket.remotePort}`
      if (response.socket instanceof TLSSocket)
        certificate = fingerprintOf(response.socket.getPeerCertificate().raw)
    })
    socket.on('open', () => resolve({ ok: true, certificate, remoteAddress }))
    socket.on('error', (error) => resolve(refuse(unreachable(url, error))))
  })
}

const unreachable = (url: string, error: Error): Refusal => ({
  code: 'unreachable',
  url,
  reason: error.message,
})
