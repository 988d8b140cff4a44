import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../clock.js'
import { exampleDeployment } from '../chain/deployment.fixture.js'
import { createLog } from '../report/log.js'
import { createIdentity, PrivateKey } from '../signing/identity.js'
import { createTypedData } from '../signing/typedData.js'
import { connectLink } from './connect.js'
import { publicPath } from './front.js'
import { type Listening, listenLinks } from './listen.js'

const self = (digit: string) => ({
  identity: createIdentity(new PrivateKey(digit.repeat(64))),
  typedData: createTypedData(exampleDeployment),
  clock: systemClock,
})
const log = createLog('test', 'error')
const known = publicPath(`0x${'7a'.repeat(32)}`)
const paths: string[] = []

let slowly: (response: ServerResponse) => void
let listening: Listening
const open = () => promisify(listening.http.getConnections.bind(listening.http))()
beforeAll(async () => {
  listening = await listenLinks({
    ...{ host: '127.0.0.1', port: 0, self: self('1'), log },
    accept(path) {
      paths.push(path)
      return {}
    },
    front: {
      admits: (path) => path === known,
      serve(request, response) {
        if (request.url === '/slow') return slowly(response)
        response.writeHead(request.url === '/' ? 200 : 404, { 'Content-Length': 5 })
        response.end('a web')
      },
    },
    limits: { connectionsPerSecondPerAddress: 10_000 },
  })
})
afterAll(() => listening.close())

const dial = (path: string) =>
  connectLink({ url: `ws://127.0.0.1:${listening.port}${path}`, self: self('2'), handlers: {}, log })

/** What is answered to bytes, until the other side closes or falls silent. */
function say(bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(listening.port, '127.0.0.1', () => socket.write(bytes))
    let heard = ''
    socket.setTimeout(100, () => socket.destroy())
    socket.on('data', (data) => {
      heard += data.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(heard))
  })
}

const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

/** Status and body: what a prober compares. */
const seen = (answer: string) => [
  /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1],
  answer.split('\r\n\r\n').slice(1).join('\r\n\r\n'),
]

describe('a front', () => {
  it('lets in who knows the path, whatever follows it', async () => {
    for (const path of [known, `${known}?utm=1`]) {
      const dialled = await dial(path)
      if (!dialled.ok) throw new Error(JSON.stringify(dialled.refusal))
      dialled.link.close()
      expect(paths.at(-1)).toBe(known)
    }
  })

  it('answers an upgrade elsewhere as if nobody had asked for one', async () => {
    for (const path of ['/', '/elsewhere', `${known}/`, known.toUpperCase()]) {
      const plain = await say(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      expect(seen(await say(upgrade(path)))).toEqual(seen(plain))
      expect(seen(plain)[0]).toBe(path === '/' ? '200' : '404')
    }
    expect(await dial('/')).toMatchObject({ ok: false, refusal: { code: 'unreachable' } })
  })

  it('says of its connection what it says to any request, and takes the next one on it', async () => {
    const headers = async (request: string) => {
      const socket = connect(listening.port, '127.0.0.1', () => socket.write(request))
      const answers = [String((await once(socket, 'data'))[0])]
      socket.write(request)
      answers.push(String((await once(socket, 'data'))[0]))
      socket.destroy()
      return answers.map((answer) => answer.match(/^[\w-]+: .*$/gm)?.filter((line) => !/^Date/.test(line)))
    }
    const plain = await headers('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(plain[1]).toContain('Connection: keep-alive')
    expect(await headers(upgrade('/'))).toEqual(plain)
  })

  it('answers who wants it to connect to another server, and hangs up on who does not', async () => {
    const socket = connect({ port: listening.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.write('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n')
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 404/)
    await expect.poll(open).toBe(0)
    socket.destroy()
  })

  it('answers what is sent ahead one after the other, and nobody who sends too much', async () => {
    let underWay = 0
    const most = { atOnce: 0 }
    slowly = (response) => {
      most.atOnce = Math.max(most.atOnce, ++underWay)
      response.on('finish', () => underWay--)
      setImmediate(() => response.writeHead(200, { 'Content-Length': 1 }).end('x'))
    }
    const ahead = 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'
    expect((await say(ahead.repeat(20))).match(/HTTP\/1\.1 200/g)).toHaveLength(20)
    expect(await say(ahead.repeat(5_000))).toBe('')
    expect(most.atOnce).toBe(1)
  })

  it('cuts off who says more than a hello before it is known', async () => {
    const frame = Buffer.alloc(14 + 20_000)
    frame.writeUInt16BE(0x82ff, 0)
    frame.writeUInt32BE(200_000, 6)
    const socket = connect(listening.port, '127.0.0.1', () => socket.write(upgrade(known)))
    socket.on('error', () => {})
    await once(socket, 'data')
    socket.write(frame)
    await once(socket, 'close')
    await expect.poll(open).toBe(0)
  })

  it('answers what is no websocket’s request at the right path as at any other', async () => {
    const spoilt = upgrade(known).replace('Version: 13', 'Version: 12')
    expect(seen(await say(spoilt))[0]).toBe('404')
    expect(seen(await say(upgrade(known).replace('GET', 'POST')))[0]).toBe('404')
  })

  it('outlives whatever bytes come, and says nothing of ours to any of them', {
    timeout: 120_000,
  }, async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ maxLength: 200 }).map((path) => Buffer.from(upgrade(`/${path}`), 'latin1')),
      fc
        .tuple(fc.nat(upgrade('/').length), fc.uint8Array({ maxLength: 8 }))
        .map(([at, put]) => Buffer.concat([Buffer.from(upgrade('/')).subarray(0, at), put])),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: 8, maxLength: 8 }), async (all) => {
        for (const answer of await Promise.all(all.map(say))) {
          expect(answer).not.toMatch(/challenge|pontage|101 Switching/i)
          expect(answer === '' || answer.startsWith('HTTP/1.1 ')).toBe(true)
        }
      }),
      { numRuns: 60 },
    )
    const dialled = await dial(known)
    expect(dialled.ok).toBe(true)
    if (dialled.ok) dialled.link.close()
  })
})

it('is done, also without a front, with whoever asks for a page and does not read it', async () => {
  const bare = await listenLinks({
    ...{ host: '127.0.0.1', port: 0, self: self('1'), log, accept: () => ({}), limits: { idleMs: 100 } },
  })
  const asked = once(bare.http, 'request') as Promise<[unknown, ServerResponse]>
  const socket = connect(bare.port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
  socket.on('error', () => {})
  const [, response] = await asked
  // More than the system keeps for somebody.
  const size = 256_000_000
  response.end(Buffer.alloc(size))
  await once(response, 'close')
  socket.resume()
  await once(socket, 'close')
  expect(socket.bytesRead).toBeLessThan(size)
  await bare.close()
})
