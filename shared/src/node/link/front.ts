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

/** Puts a front before a server, which asks for nothing else to be done with its requests. */
export function standBehind(
  http: Server,
  front: Front,
  admit: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): void {
  http.on('request', (request, response) => front.serve(request, response))
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (isWebsocket(request) && front.admits(pathOf(request))) return admit(request, socket, head)
    // A server that does not know how to switch protocols answers as if nobody had asked (RFC 9110, section 7.8).
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket as Socket)
    socket.on('error', () => socket.destroy())
    response.on('finish', () => socket.end())
    front.serve(request, response)
  })
}

const isWebsocket = ({ headers, method }: IncomingMessage): boolean =>
  method === 'GET' &&
  headers.upgrade?.toLowerCase() === 'websocket' &&
  headers['sec-websocket-version'] === '13' &&
  /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
