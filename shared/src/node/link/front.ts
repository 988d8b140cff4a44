import { createHash } from 'node:crypto'
import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Hex } from '../../units.js'

/**
 * What stands in front of a listening program: whoever does not know a path that admits finds a web server, and a
 * websocket is opened for nobody else.
 */
export interface Front {
  /** Whether a websocket may be opened at this path, its query left off. */
  admits(path: string): boolean
  /** Answers everything else, as a web server does that knows nothing of websockets. */
  serve(request: IncomingMessage, response: ServerResponse): void
}

/** The path that the WireGuard key of an offer stands for, known to everybody who has read it. */
export const publicPath = (wireguardKey: Hex): string =>
  `/${createHash('sha256').update(`path ${wireguardKey}`).digest('base64url').slice(0, 22)}`

/** The path of a request, without its query. */
export const pathOf = ({ url = '/' }: IncomingMessage): string => url.replace(/\?.*$/s, '')

/** Requests of one connection that may wait for the answer to one before them: browsers send none ahead. */
const maxWaiting = 32

/**
 * Which requests for an upgrade Node is to hand over as such. It answers the others like any request then, and goes on
 * looking after their connections; a Node from before 22.21 knows nothing of it, and hands over all.
 */
export const upgradesOf = (front: Front): object => ({
  shouldUpgradeCallback: (request: IncomingMessage) => isAdmitted(front, request),
})

/**
 * Puts a front before a server, which asks for nothing else to be done with its requests.
 *
 * @param idleMs - After so long without a byte a visitor is gone.
 */
export function standBehind(
  http: Server,
  front: Front,
  admit: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
  idleMs: number,
): void {
  http.on(
    'request',
    inTurn((request, response) => front.serve(request, response)),
  )
  // A server that does not know how to switch protocols answers as if nobody had asked (RFC 9110, section 7.8).
  const serveAnyway = (request: IncomingMessage, socket: Duplex) => {
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket as Socket)
    socket.on('error', () => socket.destroy())
    // Node looks after it no more: it must not wait for a visitor who never hangs up.
    response.on('finish', () => (socket as Socket).destroySoon())
    ;(socket as Socket).setTimeout(idleMs, () => socket.destroy())
    front.serve(request, response)
  }
  http.on('connect', serveAnyway)
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    isAdmitted(front, request) ? admit(request, socket, head) : serveAnyway(request, socket),
  )
}

type Serve = (request: IncomingMessage, response: ServerResponse) => void

/**
 * One answer of a connection after the other: Node takes whatever is sent ahead, and each request would hold a file and
 * a part of it before anybody reads the first.
 */
function inTurn(serve: Serve): Serve {
  const waiting = new WeakMap<Socket, (() => void)[]>()
  return (request, response) => {
    const { socket } = request
    const queue = waiting.get(socket) ?? []
    waiting.set(socket, queue)
    if (socket.destroyed) return
    if (queue.length > maxWaiting) {
      socket.destroy()
      return
    }
    queue.push(() => serve(request, response))
    if (queue.length === 1) serve(request, response)
    response.once('close', () => {
      queue.shift()
      if (!socket.destroyed) queue[0]?.()
    })
  }
}

const isAdmitted = (front: Front, request: IncomingMessage): boolean =>
  isWebsocket(request) && front.admits(pathOf(request))

const isWebsocket = ({ headers, method }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  headers['sec-websocket-version'] === '13' &&
  /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
