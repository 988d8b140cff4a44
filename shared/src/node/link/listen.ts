import { X509Certificate } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Refusal } from '../../refusal.js'
import type { Hex } from '../../units.js'
import { UserError } from '../program/userError.js'
import type { Log } from '../report/log.js'
import { closeSoon } from './closeSoon.js'
import { fingerprintOf, noCertificate } from './connect.js'
import { frameLimits } from './frameLimits.js'
import { type Front, pathOf, standBehind, upgradesOf } from './front.js'
import { type Introduction, receiveHello, refuseAloud } from './hello.js'
import { Inbox } from './inbox.js'
import { Gatekeeper, type Limits, toldAtOnce, withDefaults } from './limits.js'
import type { Handlers, Link } from './link.js'
import { plainAddress } from './network.js'
import { startLink } from './startLink.js'

/** A certificate and its key, PEM. */
export interface TlsPair {
  readonly certificate: string
  readonly key: string
}

/** What those who connect are shown: a certificate of our own, or the one of a proxy in front that adds TLS. */
export interface Presented {
  readonly tls?: TlsPair
  /** SHA-256 of the proxy's certificate. */
  readonly proxied?: Hex
}

/** Fingerprint of the certificate that is presented; undefined without TLS. */
export const presentedFingerprint = ({ tls, proxied }: Presented): Hex | undefined =>
  tls === undefined ? proxied : fingerprintOf(new X509Certificate(tls.certificate).raw)

export interface Listening {
  readonly port: number
  /** Serves plain HTTP requests on the same port, for what is not a websocket. */
  readonly http: Server
  /** Why a plain request from this network address is not answered now; undefined when it is. It costs one, or more. */
  readonly visit: (address: string, cost?: number) => Refusal | undefined
  /** Presents a renewed certificate to whoever connects from now on. */
  renew(presented: Presented): void
  /** Stops accepting, closes every connection, resolves when the port is free. */
  close(): Promise<void>
}

/**
 * Accepts connections, each after its introduction.
 *
 * @param options.host - Address to listen on; `::` for both families.
 * @param options.accept - Gives the handlers of a new connection, by the path that it came to.
 * @param options.joined - Told of each link once it stands.
 * @throws UserError when the port is taken or may not be used.
 */
export async function listenLinks(options: {
  host: string
  port: number
  tls?: TlsPair
  /** SHA-256 of the certificate that a proxy in front presents. */
  proxied?: Hex
  self: Omit<Introduction, 'certificate'>
  accept: (path: string) => Handlers
  /** What everybody finds who does not know a path that admits; left out: every path does. */
  front?: Front
  joined?: (link: Link) => void
  /** What is granted; the usual where nothing else is said. */
  limits?: Partial<Limits>
  log: Log
}): Promise<Listening> {
  const { host, port, tls, self, accept, front, joined, log } = options
  const limits = withDefaults(options.limits)
  const gatekeeper = new Gatekeeper(limits, self.clock)
  let { proxied } = options
  const patience = {
    headersTimeout: limits.helloMs,
    requestTimeout: 2 * limits.helloMs,
    handshakeTimeout: limits.helloMs,
    connectionsCheckingInterval: Math.min(1_000, limits.helloMs),
    ...(front && upgradesOf(front)),
  }
  const http =
    tls === undefined
      ? createHttpServer(patience)
      : createHttpsServer({ ...patience, cert: tls.certificate, key: tls.key })
  // Of whoever asks and does not read, the answer waits in memory.
  http.setTimeout(limits.idleMs)
  http.maxConnections = limits.maxConnections + toldAtOnce
  http.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    if (!gatekeeper.arrive(address)) socket.destroy()
    socket.once('close', () => gatekeeper.leave(address))
  })

  await listenOn(http, host, port)
  const sockets = new WebSocketServer({ noServer: true, ...frameLimits })
  const admit = (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    sockets.handleUpgrade(request, socket, head, (upgraded) => sockets.emit('connection', upgraded, request))
  if (front) standBehind(http, front, admit, limits.idleMs)
  else http.on('upgrade', admit)
  const welcome = async (
    socket: WebSocket,
    request: IncomingMessage,
    remoteAddress: string,
  ): Promise<void> => {
    const { socket: from } = request
    const address = from.remoteAddress ?? ''
    const inbox = new Inbox(socket)
    const known = boundUntilKnown(from, () => {
      closeSoon(socket, 'too much before a hello', 1009)
      socket.pause()
    })
    const certificate = ownFingerprint(from) ?? proxied ?? noCertificate
    const hello = await receiveHello(socket, inbox, { ...self, certificate }, limits.helloMs)
    known()
    if (!hello.ok) {
      log.warn('refused a connection', { remoteAddress, code: hello.refusal.code })
      return
    }
    const { peer } = hello
    const { maxBacklogBytes } = limits
    const allowance = gatekeeper.allowance(peer, address)
    const handlers = accept(pathOf(request))
    const link = startLink({ socket, inbox, peer, remoteAddress, handlers, allowance, maxBacklogBytes, log })
    joined?.(link)
  }
  sockets.on('connection', (socket, request) => {
    const address = plainAddress(request.socket.remoteAddress)
    const remoteAddress = `${address}:${request.socket.remotePort}`
    socket.on('error', (error) => log.warn('a connection failed', { remoteAddress, reason: error.message }))
    const refusal = gatekeeper.crowded(address)
    if (refusal) {
      log.warn('refused a connection', { remoteAddress, code: refusal.code })
      refuseAloud(socket, refusal, 1013)
      return
    }
    void welcome(socket, request, remoteAddress).catch((error) => {
      log.error('an introduction failed', { remoteAddress, error: (error as Error).message })
      socket.terminate()
    })
  })

  http.on('error', (error) => log.error('the listening port failed', { reason: error.message }))
  return {
    port: (http.address() as AddressInfo).port,
    http,
    visit: (address, cost) => gatekeeper.visit(address, cost),
    renew(presented) {
      proxied = presented.proxied
      if (presented.tls && http instanceof HttpsServer)
        http.setSecureContext({ cert: presented.tls.certificate, key: presented.tls.key })
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.close(1001, 'shutting down')
        sockets.close()
        http.close(() => resolve())
        http.closeIdleConnections()
        setTimeout(() => {
          for (const socket of sockets.clients) socket.terminate()
          http.closeAllConnections()
        }, 2_000).unref()
      }),
  }
}

/** A hello takes some 500 bytes. Whoever sends more before it is known has something else in mind, and fills memory. */
const maxBytesUnknown = 16_384

/** @returns What lifts the bound. */
function boundUntilKnown(socket: Socket, cutOff: () => void): () => void {
  let left = maxBytesUnknown
  const count = ({ length }: Buffer) => {
    left -= length
    if (left >= 0) return
    socket.off('data', count)
    cutOff()
  }
  socket.on('data', count)
  return () => socket.off('data', count)
}

/** Of the certificate that this very connection was shown; undefined without TLS. */
function ownFingerprint(socket: Socket): Hex | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getCertificate() : null
  return certificate && 'raw' in certificate ? fingerprintOf(certificate.raw as Buffer) : undefined
}

/**
 * Listens, on IPv4 alone where the machine has no IPv6 and both were asked for by `::`.
 *
 * @throws UserError when the port is taken or may not be used.
 */
export async function listenOn(server: NetServer, host: string, port: number): Promise<void> {
  const on = (address: string) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, address, () => {
        server.off('error', reject)
        resolve()
      })
    })
  await on(host)
    .catch((cause: NodeJS.ErrnoException) => {
      if (host === '::' && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(cause.code ?? '')) return on('0.0.0.0')
      throw cause
    })
    .catch((cause: NodeJS.ErrnoException) => {
      throw cannotListen(host, port, cause)
    })
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): UserError {
  const reason =
    cause.code === 'EADDRINUSE'
      ? 'another program has it. Stop that one, or choose another --port.'
      : cause.code === 'EACCES'
        ? 'ports below 1024 need root. Choose another --port.'
        : `${cause.message}. Check --host.`
  return new UserError(`Cannot listen on ${host}:${port}: ${reason}`, { cause })
}
