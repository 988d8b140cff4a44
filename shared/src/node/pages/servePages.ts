import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeObject } from '../../wire.js'
import { UserError } from '../program/userError.js'
import { failureTold } from './failureTold.js'
import { createLiveFeed } from './liveFeed.js'
import type { PageFile } from './pageFiles.js'
import { createVisitors, type Right, type Visit } from './visitors.js'

/** What the pages of a program can ask, and make it do. Answers are objects by the contract of docs/json.md. */
export interface PagesOf {
  /** As {@link readPageFiles} gives them. */
  readonly files: ReadonlyMap<string, PageFile>
  /** How things stand now; asked about once a second while somebody looks. */
  readonly live: () => Promise<object>
  /** By name, what can be read. */
  readonly reads: Readonly<Record<string, () => Promise<object>>>
  /** By name, what can be done. @throws UserError for a field that it does not take */
  readonly deeds: Readonly<Record<string, (fields: Readonly<Record<string, unknown>>) => Promise<object>>>
}

/** The pages while they are served. */
export interface ServedPages {
  /** A link that can be opened once, for whoever may do everything, or only look. */
  link(right: Right): string
  close(): Promise<void>
}

const maxBodyBytes = 8_192
/** Whoever holds more connections open than that, or sends a request that slowly, keeps nobody's memory. */
const maxConnections = 256
const requestWithinMs = 20_000
const cookieName = 'pontage-visit'

/** Nothing comes from, or goes to, another place; nothing inline runs; nobody frames it. */
export const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
}

/**
 * Serves pages on loopback to whoever opened a link of {@link ServedPages.link}.
 *
 * Another site cannot read or steer them: a request must name this host (a name that was bound to this address
 * meanwhile does not), a deed must come from these pages themselves, and the visit's cookie is never sent along from elsewhere.
 * Another program on this machine cannot either: a browser shows the cookie to every port, so it is not enough alone.
 *
 * @param port - 0 for any that is free.
 * @throws UserError where the port is taken.
 */
export async function servePages(port: number, pages: PagesOf): Promise<ServedPages> {
  const visitors = createVisitors()
  const feed = createLiveFeed(pages.live)
  const timing = { headersTimeout: requestWithinMs, requestTimeout: requestWithinMs }
  const server = createServer(timing, (request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.maxConnections = maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  }).catch((cause: Error) => {
    throw new UserError(
      `Port ${port} of this machine cannot be used: ${cause.message}. Give another --page-port.`,
      {
        cause,
      },
    )
  })
  // As browsers write it: without the port that is usual.
  const { host, origin, port: named } = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const cookieHere = `${cookieName}-${named}`

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say: Say = (status, sentence, more = {}) =>
      send(response, status, 'text/plain; charset=utf-8', `${sentence}\n`, more)
    if (request.headers.host !== host) return say(421, `This is ${host}, and answers to no other name.`)
    if (!URL.canParse(request.url ?? '', origin)) return say(400, 'That is no address.')
    const url = new URL(request.url ?? '', origin)
    if (request.method === 'GET' && url.pathname === '/enter') {
      const pass = visitors.enter(url.searchParams.get('key') ?? '')
      if (pass === undefined) return say(403, usedLink)
      const cookie = `${cookieHere}=${pass.cookie}; HttpOnly; SameSite=Strict; Path=/`
      // What follows # stays in the browser: the pages keep it, and take it out of the address.
      return say(303, 'Welcome.', { 'set-cookie': cookie, location: `/#visit=${pass.word}` })
    }
    const cookie = cookieOf(request, cookieHere)
    const file = request.method === 'GET' ? pages.files.get(url.pathname) : undefined
    if (file && visitors.knows(cookie)) return send(response, 200, file.type, file.content)
    const visit = visitors.visitOf(cookie, wordOf(request, url))
    if (visit === undefined) return say(401, 'Open the link that was typed out where the pages were started.')
    if (request.method === 'POST') return act(request, response, url.pathname, visit, say)
    if (request.method !== 'GET') return say(405, 'Pages are read with GET, and do something with POST.')
    const read = ownOf(pages.reads, nameIn(url.pathname, '/read/'))
    if (read) return sendJson(response, await outcomeOf(read))
    if (url.pathname === '/right') return sendJson(response, { right: visit.right })
    if (url.pathname !== '/live') return say(404, `There is no ${url.pathname} here.`)
    if (!feed.follow(visit, response, pageHeaders))
      say(429, 'These pages are open too often. Close some of them.')
  }

  async function act(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    { right }: Visit,
    say: Say,
  ): Promise<void> {
    if (request.headers.origin !== origin) return say(403, 'Only these pages themselves may do something.')
    if (right !== 'act') return say(403, 'This link is for looking only.')
    const deed = ownOf(pages.deeds, nameIn(path, '/do/'))
    if (deed === undefined) return say(404, `There is nothing called ${path} to do.`)
    const fields = await fieldsOf(request)
    if (fields === undefined) return say(400, `Expected one JSON object of at most ${maxBodyBytes} bytes.`)
    sendJson(response, await outcomeOf(() => deed(fields)))
  }

  return {
    link: (right) => `${origin}/enter?key=${visitors.invite(right)}`,
    async close() {
      feed.close()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

type Say = (status: number, sentence: string, more?: Readonly<Record<string, string>>) => void

const usedLink =
  'This link was used already, or a newer one took its place. Start the pages anew for another.'

const send = (response: ServerResponse, status: number, type: string, body: string | Buffer, more = {}) =>
  void response.writeHead(status, { ...pageHeaders, ...more, 'content-type': type }).end(body)

const sendJson = (response: ServerResponse, body: object) =>
  send(response, 200, 'application/json', JSON.stringify(body))

/** What was refused is an answer, too. */
const outcomeOf = async (ask: () => Promise<object>): Promise<object> => {
  try {
    return await ask()
  } catch (error) {
    return failureTold(error as Error)
  }
}

const ownOf = <Value>(table: Readonly<Record<string, Value>>, name: string | undefined): Value | undefined =>
  name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined

const nameIn = (path: string, below: string): string | undefined =>
  path.startsWith(below) ? path.slice(below.length) : undefined

/** What the pages keep of the visit; a stream of events has no headers of its own. */
const wordOf = (request: IncomingMessage, url: URL): string | undefined => {
  const given = request.headers['pontage-visit']
  return typeof given === 'string' ? given : (url.searchParams.get('visit') ?? undefined)
}

const cookieOf = (request: IncomingMessage, name: string): string | undefined =>
  request.headers.cookie
    ?.split('; ')
    .find((each) => each.startsWith(`${name}=`))
    ?.slice(name.length + 1)

/** The object in a request's body. */
async function fieldsOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (!request.headers['content-type']?.startsWith('application/json')) return undefined
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > maxBodyBytes) return undefined
  }
  return decodeObject(text)
}
