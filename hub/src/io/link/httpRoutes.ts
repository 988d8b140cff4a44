import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { encodeMessage, explain, type Refusal } from '@pontage/shared'
import type { Log } from '@pontage/shared/node'

/** What is answered to one GET. */
export interface HttpAnswer {
  readonly status: number
  /** Text and bytes as they are, anything else as JSON with amounts as decimal strings. */
  readonly body: string | Buffer | object
  readonly contentType?: string
  /** In place of those of what is public. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What is public may be read by any page; nothing of it depends on who asks. */
const publicHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'access-control-allow-origin': '*',
}

/** Asked with the query and the network address of who asks. */
export type HttpRoute = (query: URLSearchParams, from: string) => Promise<HttpAnswer> | HttpAnswer

/**
 * Answers plain HTTP on a port that otherwise serves websockets. Every path not named here is 404.
 *
 * @param listening.visit - Why this network address gets no page now; it is told so with 429.
 * @param costOf - What a page costs, in requests of the usual kind: it is counted before any work is done.
 */
export function serveHttp(
  { http, visit }: { http: Server; visit: (address: string, cost: number) => Refusal | undefined },
  routes: Readonly<Record<string, HttpRoute>>,
  costOf: (path: string, query: URLSearchParams) => number,
  log: Log,
): void {
  http.on('request', (request, response) => {
    const url = urlOf(request)
    const cost = url ? costOf(url.pathname, url.searchParams) : 1
    const refusal = isHealthPage(request.url) ? undefined : visit(request.socket.remoteAddress ?? '', cost)
    if (refusal) {
      send(request, response, { status: 429, body: { code: refusal.code, error: explain(refusal) } })
      return
    }
    void answerTo(request, url, routes)
      .catch((error: Error): HttpAnswer => {
        log.error('a page could not be made', { path: request.url?.slice(0, 100), error: error.stack })
        return { status: 500, body: { error: 'The hub could not answer this. Check its log.' } }
      })
      .then((answer) => send(request, response, answer))
  })
}

/** Whoever watches over the hub is answered, however many others ask from its address. */
const isHealthPage = (url: string | undefined): boolean => url === '/healthz' || url === '/readyz'

function urlOf({ url = '/' }: IncomingMessage): URL | undefined {
  const target = `http://hub${url}`
  return URL.canParse(target) ? new URL(target) : undefined
}

async function answerTo(
  request: IncomingMessage,
  url: URL | undefined,
  routes: Readonly<Record<string, HttpRoute>>,
): Promise<HttpAnswer> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { status: 405, body: { error: `${request.method} is not supported here, only GET.` } }
  const route = url && Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined
  if (!url || !route)
    return {
      status: 404,
      body: { error: `There is no such page. The pages are: ${pagesIn(routes).join(' ')}` },
    }
  return route(url.searchParams, request.socket.remoteAddress ?? '')
}

/** Those that somebody would ask for by name: what a page is made of is left out. */
const pagesIn = (routes: Readonly<Record<string, HttpRoute>>): string[] =>
  Object.keys(routes).filter((path) => !path.includes('.'))

function send(request: IncomingMessage, response: ServerResponse, answer: HttpAnswer): void {
  const { status, body, contentType, headers = publicHeaders } = answer
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body)
  const text = isRaw ? body : `${encodeMessage(body)}\n`
  const type = contentType ?? (typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json')
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...headers,
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}
