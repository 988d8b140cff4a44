import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../../clock.js'
import { refuse } from '../../refusal.js'
import { unixSeconds, wei } from '../../units.js'
import { maxFrameBytes } from '../../wire.js'
import { exampleDeployment } from '../chain/deployment.fixture.js'
import { createLog } from '../report/log.js'
import { createIdentity, PrivateKey } from '../signing/identity.js'
import { createTypedData } from '../signing/typedData.js'
import { connectLink } from './connect.js'
import type { Handlers, Link } from './link.js'
import { type Listening, listenLinks } from './listen.js'
import { encodePromise } from './promiseFrame.js'

const typedData = createTypedData(exampleDeployment)
const server = createIdentity(new PrivateKey('11'.repeat(32)))
const client = createIdentity(new PrivateKey('22'.repeat(32)))
const log = createLog('test', 'error')
const self = (identity: typeof server, clock = systemClock) => ({ identity, typedData, clock })

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function listen(handlers: Handlers, joined?: (link: Link) => void): Promise<Listening> {
  const listening = await listenLinks({
    host: '127.0.0.1',
    port: 0,
    self: self(server),
    accept: () => handlers,
    ...(joined ? { joined } : {}),
    log,
  })
  open.push(listening)
  return listening
}

const dial = (port: number, options: Partial<Parameters<typeof connectLink>[0]> = {}) =>
  connectLink({ url: `ws://127.0.0.1:${port}`, self: self(client), handlers: {}, log, ...options })

async function joinedLink(
  port: number,
  options: Partial<Parameters<typeof connectLink>[0]> = {},
): Promise<Link> {
  const dialled = await dial(port, options)
  if (!dialled.ok) throw new Error(JSON.stringify(dialled.refusal))
  open.push(dialled.link)
  return dialled.link
}

/** A client without manners: sends what it is told and reports what comes back. */
function raw(
  port: number,
): Promise<{ socket: WebSocket; nextText(): Promise<string>; closed: Promise<number> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  const texts: string[] = []
  let wake: (() => void) | undefined
  socket.on('message', (data) => {
    texts.push(String(data))
    wake?.()
  })
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  open.push({ close: () => socket.terminate() })
  const nextText = async (): Promise<string> => {
    while (texts.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    return texts.shift() ?? ''
  }
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve({ socket, nextText, closed }))
    socket.on('error', reject)
  })
}

describe('the introduction', () => {
  it('tells each end who the other is', async () => {
    const peers: string[] = []
    const { port } = await listen({}, (link) => peers.push(link.peer))
    const link = await joinedLink(port, { expectPeer: server.address })
    expect(link.peer).toBe(server.address)
    expect(peers).toEqual([client.address])
  })

  it('refuses somebody other than the one expected', async () => {
    const { port } = await listen({})
    const dialled = await dial(port, { expectPeer: client.address })
    expect(dialled).toMatchObject({ ok: false, refusal: { code: 'wrong-peer', identity: server.address } })
  })

  it('refuses a hello from a clock that is wrong, and says so to the other end', async () => {
    const { port } = await listen({})
    const late = { ...systemClock, now: () => unixSeconds(systemClock.now() - 61) }
    const dialled = await dial(port, { self: self(client, late) })
    expect(dialled).toMatchObject({ ok: false, refusal: { code: 'peer-refused', peerCode: 'stale-hello' } })
  })

  it('refuses a signature made for another deployment', async () => {
    const { port } = await listen({})
    const elsewhere = createTypedData({ ...exampleDeployment, chainId: 1 })
    const dialled = await dial(port, { self: { identity: client, typedData: elsewhere, clock: systemClock } })
    expect(dialled).toMatchObject({ ok: false, refusal: { code: 'peer-refused', peerCode: 'wrong-signer' } })
  })

  it.each([
    ['rubbish', 'not-json'],
    ['{"type":"describe","id":1}', 'hello-expected'],
    ['{"type":"hello","identity":"0x12"}', 'malformed-message'],
    [
      JSON.stringify({
        type: 'hello',
        challenge: `0x${'00'.repeat(32)}`,
        identity: client.address,
        wireVersion: 99,
        issuedAt: systemClock.now(),
        signature: `0x${'00'.repeat(65)}`,
      }),
      'wrong-version',
    ],
  ])('answers %j with %s and closes', async (text, code) => {
    const { port } = await listen({})
    const peer = await raw(port)
    await peer.nextText() // the challenge
    peer.socket.send(text)
    expect(JSON.parse(await peer.nextText())).toMatchObject({ type: 'refused', code })
    expect(await peer.closed).toBe(1008)
  })

  it('closes on a frame that is too large', async () => {
    const { port } = await listen({})
    const peer = await raw(port)
    await peer.nextText()
    peer.socket.send('x'.repeat(maxFrameBytes + 1))
    // What is left unread may end the connection before the reason has arrived.
    expect([1009, 1006]).toContain(await peer.closed)
  })

  it('closes on a message in too many pieces', async () => {
    const { port } = await listen({})
    const peer = await raw(port)
    await peer.nextText()
    for (let piece = 0; piece < 17; piece++) peer.socket.send('x', { fin: false })
    expect(await peer.closed).toBe(1008)
  })

  it('leaves a server that sends a message in too many pieces', async () => {
    const rude = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    open.push(rude)
    await once(rude, 'listening')
    const closed = new Promise<number>((resolve) => {
      rude.on('connection', (socket) => {
        socket.on('close', resolve)
        for (let piece = 0; piece < 17; piece++) socket.send('x', { fin: false })
      })
    })
    const { port } = rude.address() as AddressInfo
    expect(await dial(port, { timeoutMs: 2_000 })).toMatchObject({ ok: false })
    expect(await closed).toBe(1008)
  })

  it('says what cannot be reached', async () => {
    const dialled = await connectLink({ url: 'ws://127.0.0.1:1', self: self(client), handlers: {}, log })
    expect(dialled).toMatchObject({ ok: false, refusal: { code: 'unreachable', url: 'ws://127.0.0.1:1' } })
  })
})

describe('the conversation', () => {
  const attach: Handlers = {
    requests: { attach: ({ session }) => ({ ok: true, value: { promised: wei(BigInt(session)) } }) },
  }

  it('answers requests from either end, amounts to the unit', async () => {
    let back: Promise<unknown> | undefined
    const { port } = await listen(attach, (link) => {
      back = link.request('attach', { session: '7' })
    })
    const amount = (2n ** 200n).toString()
    const link = await joinedLink(port, { handlers: attach })
    expect(await link.request('attach', { session: amount })).toEqual({
      ok: true,
      value: { promised: 2n ** 200n },
    })
    expect(await back).toEqual({ ok: true, value: { promised: 7n } })
  })

  it('hands a refusal over with its code and sentence', async () => {
    const { port } = await listen({
      requests: { attach: ({ session }) => refuse({ code: 'unknown-session', session }) },
    })
    const link = await joinedLink(port)
    expect(await link.request('attach', { session: 'x' })).toEqual({
      ok: false,
      refusal: {
        code: 'peer-refused',
        peerCode: 'unknown-session',
        message: 'There is no session "x". It has ended; open a new one.',
      },
    })
  })

  it('refuses what nobody handles, and goes on', async () => {
    const { port } = await listen(attach)
    const link = await joinedLink(port)
    expect(await link.request('describe', {})).toMatchObject({ refusal: { peerCode: 'unknown-message' } })
    expect(await link.request('attach', { session: '1' })).toMatchObject({ ok: true })
  })

  it('names the field that is malformed', async () => {
    const { port } = await listen(attach)
    const link = await joinedLink(port)
    const answer = await link.request('attach', { session: 'x'.repeat(65) })
    expect(answer).toMatchObject({ refusal: { peerCode: 'malformed-message' } })
    expect(JSON.stringify(answer)).toContain('session')
  })

  it('says when no answer came in time', async () => {
    const { port } = await listen({ requests: { attach: () => new Promise(() => {}) } })
    const link = await joinedLink(port)
    expect(await link.request('attach', { session: '1' }, 20)).toMatchObject({
      refusal: { code: 'peer-silent' },
    })
  })

  it('answers what is open with the end of the connection', async () => {
    const { port } = await listen({
      requests: { attach: (_params, link) => new Promise(() => link.close()) },
    })
    const link = await joinedLink(port)
    expect(await link.request('attach', { session: '1' })).toMatchObject({ refusal: { code: 'peer-gone' } })
    expect(await link.closed).toBe('The other side closed the connection.')
  })

  it('hands over binary frames whole and closes on a refused one', async () => {
    const seen: Buffer[] = []
    const { port } = await listen({
      frame: (frame) => {
        seen.push(frame)
        return frame.length === 130
          ? undefined
          : { code: 'malformed-frame', kind: frame[0] ?? 0, length: frame.length }
      },
    })
    const link = await joinedLink(port)
    const promise = {
      channelId: `0x${'ab'.repeat(32)}`,
      amount: wei(5n),
      signature: `0x${'cd'.repeat(65)}`,
    } as const
    link.sendFrame(encodePromise(promise))
    link.sendFrame(Buffer.from([9, 9]))
    expect(await link.closed).toContain('malformed-frame')
    expect(seen).toEqual([encodePromise(promise), Buffer.from([9, 9])])
  })

  it('slows a peer that asks too much', async () => {
    const { port } = await listen(attach)
    const link = await joinedLink(port)
    const answers = await Promise.all(
      Array.from({ length: 600 }, () => link.request('attach', { session: '1' })),
    )
    const codes = answers.map((answer) =>
      answer.ok ? 'ok' : (answer.refusal as { peerCode?: string }).peerCode,
    )
    expect(codes).toContain('too-many-requests')
    expect(codes).toContain('ok')
  })
})

it('refuses a taken port in one sentence', async () => {
  const { port } = await listen({})
  const again = listenLinks({ host: '127.0.0.1', port, self: self(server), accept: () => ({}), log })
  await expect(again).rejects.toThrow(`Cannot listen on 127.0.0.1:${port}: another program has it.`)
})

it('begins TLS with a message that fits into the packets of any path', async () => {
  const listener = createServer()
  open.push(listener)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const dialled = dial(port, { url: `wss://127.0.0.1:${port}` })
  const [socket] = await once(listener, 'connection')
  const [first] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  expect((await dialled).ok).toBe(false)
  // A TLS record: its kind (a handshake), its version, the length of what follows.
  expect(first[0]).toBe(22)
  expect(first.readUInt16BE(3)).toBeLessThan(1_000)
})
