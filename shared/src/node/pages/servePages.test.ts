import { request as ask, createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { type ServedPages, servePages } from './servePages.js'

let served: ServedPages
let base: URL

afterEach(() => served.close())

async function serve(): Promise<void> {
  served = await servePages(0, {
    files: new Map([['/', { type: 'text/html', content: Buffer.from('<p>') }]]),
    live: async () => ({ state: 'still' }),
    reads: { account: async () => ({ tokens: '5' }) },
    deeds: {
      pay: async (fields) => ({ paid: fields.amount }),
      refuse: () => {
        throw new RangeError('Not that. Give another.')
      },
    },
  })
}

interface Heard {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Begins a request to the pages, whatever its address looks like. */
const begin = (path: string, headers = {}, method = 'GET', body = ''): Promise<IncomingMessage> =>
  new Promise((resolve, reject) =>
    ask({ host: '127.0.0.1', port: base.port, path, method, headers }, resolve).on('error', reject).end(body),
  )

async function hear(...words: Parameters<typeof begin>): Promise<Heard> {
  const response = await begin(...words)
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

/** Opens a link. @returns the headers that the pages send along from then on */
async function enter(right: 'act' | 'read'): Promise<{ cookie: string; 'pontage-visit': string }> {
  const link = new URL(served.link(right))
  base = link
  const { headers } = await hear(`${link.pathname}${link.search}`)
  const [cookie = ''] = headers['set-cookie'] ?? []
  return {
    cookie: cookie.split(';')[0] ?? '',
    'pontage-visit': headers.location?.replace('/#visit=', '') ?? '',
  }
}

const deed = (headers: object) => ({ ...headers, origin: base.origin, 'content-type': 'application/json' })

describe('pages that are served', () => {
  it('open for one of two who use a link at once', async () => {
    await serve()
    base = new URL(served.link('act'))
    const path = `${base.pathname}${base.search}`
    const both = await Promise.all([hear(path), hear(path)])
    expect(both.map(({ status }) => status).toSorted()).toEqual([303, 403])
  })

  it('are not open to another port of this machine, which browsers show the cookie', async () => {
    await serve()
    const visit = await enter('act')
    // A browser does not tell ports of a host apart where it sends cookies: whoever listens on one reads them.
    const seen: string[] = []
    const other = createServer((request, response) => {
      seen.push(request.headers.cookie ?? '')
      response.end()
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const port = (other.address() as { port: number }).port
    await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie: visit.cookie } })
    await new Promise((resolve) => other.close(resolve))
    const stolen = { cookie: seen[0] ?? '' }
    expect((await hear('/read/account', stolen)).status).toBe(401)
    expect((await hear('/live', stolen)).status).toBe(401)
    expect((await hear('/do/pay', deed(stolen), 'POST', '{}')).status).toBe(401)
    expect((await hear('/read/account', { 'pontage-visit': visit['pontage-visit'] })).status).toBe(401)
    expect((await hear('/read/account', visit)).text).toBe('{"tokens":"5"}')
  })

  it('take no visit’s word for another one’s', async () => {
    await serve()
    const reader = await enter('read')
    const owner = await enter('act')
    const mixed = { cookie: owner.cookie, 'pontage-visit': reader['pontage-visit'] }
    expect((await hear('/right', mixed)).status).toBe(401)
    expect((await hear('/right', reader)).text).toBe('{"right":"read"}')
  })

  it('are followed by one visit a few times at most', async () => {
    await serve()
    const reader = await enter('read')
    const owner = await enter('act')
    const all = await Promise.all(
      Array.from({ length: 40 }, () => begin('/live', reader).then((each) => each.statusCode)),
    )
    expect(all.filter((status) => status === 200)).toHaveLength(8)
    expect(all.filter((status) => status === 429)).toHaveLength(32)
    expect((await begin('/live', owner)).statusCode).toBe(200)
  })

  it('say in every answer that nothing may come from elsewhere', async () => {
    await serve()
    const visit = await enter('act')
    const reader = await enter('read')
    const used = `${base.pathname}${base.search}`
    const answers = {
      200: await hear('/', visit),
      303: await hear(new URL(served.link('act')).href.replace(base.origin, '')),
      400: await hear('//', visit),
      401: await hear('/read/account'),
      403: await hear(used),
      404: await hear('/nowhere', visit),
      405: await hear('/', visit, 'DELETE'),
      421: await hear('/', { ...visit, host: 'evil.example' }),
      4031: await hear('/do/pay', deed(reader), 'POST', '{}'),
      4001: await hear('/do/pay', deed(visit), 'POST', '[]'),
    }
    for (const [name, { status, headers }] of Object.entries(answers)) {
      expect(status).toBe(Number(name.slice(0, 3)))
      expect(headers['content-security-policy'], name).toContain("default-src 'none'")
      expect(headers, name).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      })
    }
  })

  it('answer to no name but their own, not even localhost, where another user may listen', async () => {
    await serve()
    const visit = await enter('act')
    const port = base.port
    for (const host of [`localhost:${port}`, `[::1]:${port}`, '127.0.0.1', `127.0.0.1:${Number(port) + 1}`])
      expect((await hear('/', { ...visit, host })).status, host).toBe(421)
    for (const origin of [`http://localhost:${port}`, 'http://127.0.0.1:1', 'null', `https://${base.host}`])
      expect((await hear('/do/pay', { ...deed(visit), origin }, 'POST', '{}')).status, origin).toBe(403)
  })

  it('answer with a sentence where a deed refuses its fields, and where they are too long', async () => {
    await serve()
    const visit = await enter('act')
    const refused = await hear('/do/refuse', deed(visit), 'POST', '{}')
    expect(JSON.parse(refused.text)).toEqual({
      schema: 1,
      error: { code: 'invalid-value', message: 'Not that.', cure: 'Give another.' },
    })
    const long = JSON.stringify({ amount: '1'.repeat(10_000) })
    expect((await hear('/do/pay', deed(visit), 'POST', long)).status).toBe(400)
  })
})
