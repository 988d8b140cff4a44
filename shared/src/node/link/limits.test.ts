import { connect as connectTcp } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { systemClock } from '../../clock.js'
import { wei } from '../../units.js'
import { exampleDeployment } from '../chain/deployment.fixture.js'
import { createLog } from '../report/log.js'
import { createIdentity, PrivateKey } from '../signing/identity.js'
import { createTypedData } from '../signing/typedData.js'
import { connectLink, noCertificate } from './connect.js'
import { sayHello } from './hello.js'
import { Inbox } from './inbox.js'
import type { Limits } from './limits.js'
import type { Handlers, Link } from './link.js'
import { type Listening, listenLinks } from './listen.js'
import { encodePromise } from './promiseFrame.js'

const typedData = createTypedData(exampleDeployment)
const person = (digit: string) => createIdentity(new PrivateKey(digit.repeat(64)))
const server = person('1')
/** Time that stands still: no bucket fills up again meanwhile. */
const clock = { ...systemClock, elapsedMs: () => 0 }
const log = createLog('test', 'error')
const paid: Handlers = { requests: { attach: () => ({ ok: true, value: { promised: wei(1n) } }) } }

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function listen(
  limits: Partial<Limits>,
  handlers = paid,
  joined = (_: Link) => {},
): Promise<Listening> {
  const listening = await listenLinks({
    ...{ host: '127.0.0.1', port: 0, self: { identity: server, typedData, clock } },
    ...{ accept: () => handlers, joined, limits, log },
  })
  open.push(listening)
  return listening
}

const dial = async (port: number, who = person('2')) => {
  const self = { identity: who, typedData, clock }
  const dialled = await connectLink({ url: `ws://127.0.0.1:${port}`, self, handlers: {}, log })
  if (dialled.ok) open.push(dialled.link)
  return dialled
}

async function link(port: number, who = person('2')): Promise<Link> {
  const dialled = await dial(port, who)
  if (!dialled.ok) throw new Error(JSON.stringify(dialled.refusal))
  return dialled.link
}

const ask = (from: Link) => from.request('attach', { session: 's' })
const codesOf = async (from: Link, times: number) =>
  (await Promise.all(Array.from({ length: times }, () => ask(from)))).map((answer) =>
    answer.ok ? 'ok' : answer.refusal.code === 'peer-refused' ? answer.refusal.peerCode : answer.refusal.code,
  )
const count = (codes: readonly string[], code: string) => codes.filter((each) => each === code).length

it('tells whoever comes beyond the connections of one address, and takes the next when one left', async () => {
  const { port } = await listen({ maxConnectionsPerAddress: 2 })
  const [first, second] = [await link(port), await link(port)]
  const third = await dial(port)
  expect(third).toMatchObject({ refusal: { code: 'peer-refused', peerCode: 'too-many-connections' } })
  expect(await ask(first)).toMatchObject({ ok: true })
  second.close()
  await second.closed
  let next = await dial(port)
  while (!next.ok) next = await dial(port)
  expect(await ask(next.link)).toMatchObject({ ok: true })
})

it('tells whoever comes beyond the connections in all', async () => {
  const { port } = await listen({ maxConnections: 1 })
  const first = await link(port)
  expect(await dial(port)).toMatchObject({ refusal: { peerCode: 'too-many-connections' } })
  expect(await ask(first)).toMatchObject({ ok: true })
})

it('refuses one identity beyond its rate, cuts it off when it goes on, and serves its neighbours', async () => {
  const { port } = await listen({ requestsPerSecond: 10, maxUnderWay: 1_000 })
  const greedy = await link(port)
  const codes = await codesOf(greedy, 30)
  expect([count(codes, 'ok'), count(codes, 'too-many-requests')]).toEqual([20, 10])
  expect(await ask(await link(port, person('3')))).toMatchObject({ ok: true })
  expect(count(await codesOf(greedy, 30), 'peer-gone')).toBeGreaterThan(0)
  expect(await greedy.closed).toContain('too-many-requests')
  expect(await ask(await link(port, person('4')))).toMatchObject({ ok: true })
})

it('refuses one network address beyond its rate, whoever asks from there, pages too', async () => {
  const listening = await listen({ requestsPerSecondPerAddress: 10, maxUnderWay: 1_000 })
  const codes = [
    ...(await codesOf(await link(listening.port), 12)),
    ...(await codesOf(await link(listening.port, person('3')), 12)),
  ]
  expect([count(codes, 'ok'), count(codes, 'too-many-requests')]).toEqual([20, 4])
  expect(listening.visit('127.0.0.1')).toMatchObject({ code: 'too-many-requests', perSecond: 10 })
  expect(listening.visit('192.0.2.1')).toBeUndefined()
})

it('charges what a request costs: whoever asks for much waits for it, and never for ever', async () => {
  const costly: Handlers = { ...paid, costOf: () => 15 }
  const { port } = await listen({ requestsPerSecond: 10, maxUnderWay: 1_000 }, costly)
  const codes = await codesOf(await link(port), 4)
  expect([count(codes, 'ok'), count(codes, 'too-many-requests')]).toEqual([2, 2])
})

it('passes over promises beyond hundreds a second, and cuts off whoever goes on', async () => {
  let taken = 0
  const handlers: Handlers = {
    frame: () => {
      taken++
      return undefined
    },
  }
  const { port } = await listen({ requestsPerSecond: 2 }, handlers)
  const greedy = await link(port)
  const frame = encodePromise({
    channelId: `0x${'00'.repeat(32)}`,
    amount: wei(1n),
    signature: `0x${'00'.repeat(65)}`,
  })
  for (let n = 0; n < 500; n++) greedy.sendFrame(frame)
  expect(await greedy.closed).toContain('too-many-requests')
  // Twenty for one request: those of two seconds, and what came back meanwhile.
  expect(taken).toBeGreaterThanOrEqual(60)
  expect(taken).toBeLessThan(200)
})

it('does not hear whoever comes faster than it may', async () => {
  const { port } = await listen({ connectionsPerSecondPerAddress: 1 })
  const [first, second] = [await link(port), await link(port)]
  expect(await dial(port)).toMatchObject({ ok: false })
  expect(await ask(first)).toMatchObject({ ok: true })
  expect(await ask(second)).toMatchObject({ ok: true })
})

it('cuts off whoever goes on asking when its address may ask no more', async () => {
  const { port } = await listen({ requestsPerSecondPerAddress: 5, requestsPerSecond: 10, maxUnderWay: 1_000 })
  const greedy = await link(port)
  const next = person('3')
  await codesOf(await link(port, next), 10)
  await codesOf(greedy, 10)
  void codesOf(greedy, 40)
  expect(await greedy.closed).toContain('too-many-requests')
})

it('counts all addresses of one IPv6 network as one', async () => {
  const listening = await listen({ requestsPerSecondPerAddress: 1 })
  expect(['2001:db8::1', '2001:db8::2', '2001:db8::3'].map((each) => listening.visit(each)?.code)).toEqual([
    undefined,
    undefined,
    'too-many-requests',
  ])
  expect(listening.visit('2001:db8:0:1::1')).toBeUndefined()
})

it('refuses one identity more than its limit of requests under way, also those of connections it left, and goes on once they are answered', async () => {
  const waiting: (() => void)[] = []
  const slow: Handlers = {
    requests: {
      attach: () =>
        new Promise((resolve) => waiting.push(() => resolve({ ok: true, value: { promised: wei(1n) } }))),
    },
  }
  const { port } = await listen({ maxUnderWay: 2 }, slow)
  const [left, busy] = [await link(port), await link(port)]
  const first = [ask(left), ask(busy)]
  while (waiting.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await codesOf(busy, 1)).toEqual(['too-many-under-way'])
  left.close()
  await left.closed
  // Whoever leaves does not leave its work behind to begin anew.
  expect(await codesOf(await link(port), 1)).toEqual(['too-many-under-way'])
  for (const answer of waiting.splice(0)) answer()
  expect(await Promise.all(first)).toMatchObject([{ ok: false }, { ok: true }])
  const next = ask(busy)
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  for (const answer of waiting.splice(0)) answer()
  expect(await next).toMatchObject({ ok: true })
})

it('ends connections that say nothing, before and after the handshake, and serves others meanwhile', async () => {
  const { port } = await listen({ helloMs: 2_000 })
  const mute = connectTcp(port, '127.0.0.1')
  mute.resume()
  const muteGone = new Promise((resolve) => mute.once('close', resolve))
  const silent = new WebSocket(`ws://127.0.0.1:${port}`)
  const heard: string[] = []
  silent.on('message', (data) => heard.push(String(data)))
  const silentGone = new Promise((resolve) => silent.once('close', resolve))
  expect(await ask(await link(port))).toMatchObject({ ok: true })
  await muteGone
  expect(await silentGone).toBe(1008)
  expect(JSON.parse(heard.at(-1) ?? '')).toMatchObject({ type: 'refused', code: 'peer-silent' })
})

it('cuts off a peer that does not read, and serves others meanwhile', async () => {
  const joined: Link[] = []
  const { port } = await listen({ maxBacklogBytes: 100_000 }, paid, (each) => joined.push(each))
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  open.push({ close: () => socket.terminate() })
  const inbox = new Inbox(socket)
  const self = { identity: person('5'), typedData, clock, certificate: noCertificate }
  expect(await sayHello(socket, inbox, self, server.address)).toMatchObject({ ok: true })
  const other = await link(port)
  while (joined.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  const deaf = joined.find(({ peer }) => peer === self.identity.address)
  socket.pause()
  let gone = false
  void deaf?.closed.then(() => {
    gone = true
  })
  while (!gone) {
    deaf?.sendFrame(Buffer.alloc(200_000))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  expect(await ask(other)).toMatchObject({ ok: true })
})

it.each<[string, (socket: WebSocket) => void]>([
  ['answers that nobody asked for', (socket) => socket.send('{"id":7}')],
  ['answers to a clear that nobody asked for', (socket) => socket.send(Buffer.from([4, 0, 0, 0, 7]))],
  ['pings', (socket) => socket.ping()],
  ['pongs that nobody asked for', (socket) => socket.pong()],
])('charges %s like requests, and cuts off whoever goes on', async (_, say) => {
  const { port } = await listen({ requestsPerSecond: 10 }, { ...paid, frame: () => undefined })
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  open.push({ close: () => socket.terminate() })
  const self = { identity: person('6'), typedData, clock, certificate: noCertificate }
  expect(await sayHello(socket, new Inbox(socket), self, server.address)).toMatchObject({ ok: true })
  const gone = new Promise<string>((resolve) =>
    socket.once('close', (_code, reason) => resolve(String(reason))),
  )
  for (let n = 0; n < 50; n++) say(socket)
  expect(await gone).toContain('too-many-requests')
})

it('charges what is long for being read, before it is, and says to what it answers', async () => {
  const { port } = await listen({ requestsPerSecond: 10 })
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  open.push({ close: () => socket.terminate() })
  const inbox = new Inbox(socket)
  const self = { identity: person('7'), typedData, clock, certificate: noCertificate }
  expect(await sayHello(socket, inbox, self, server.address)).toMatchObject({ ok: true })
  const heard: unknown[] = []
  inbox.drainTo(({ data }) => heard.push(JSON.parse(String(data))))
  const more = 'x'.repeat(100_000)
  for (const id of [1, 2, 3]) socket.send(JSON.stringify({ id, type: 'attach', session: 's', more }))
  while (heard.length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(heard).toMatchObject([
    { id: 1, ok: true },
    { id: 2, ok: false, code: 'too-many-requests' },
    { id: 3, ok: false, code: 'too-many-requests' },
  ])
})
