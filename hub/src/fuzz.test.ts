import { readFileSync } from 'node:fs'
import {
  type Address,
  channelIdOf,
  type Document,
  type DocumentName,
  encodeMessage,
  finalState,
  type Hex,
  netOf,
  preFundState,
  roles,
  systemClock,
  unixSeconds,
  wei,
  wireVersion,
} from '@pontage/shared'
import {
  createSender,
  type Identity,
  noCertificate,
  signChannelState,
  signPermit,
} from '@pontage/shared/node'
import { ZeroAddress } from 'ethers'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { dial, promiseOf, requestOf, type TestChain, tokens } from './app/world.fixture.js'
import { seeded } from './chaos/books.fixture.js'
import { createHostile, type Examples, type Hostile, type HubRequest } from './hostile.fixture.js'
import { type ProgramWorld, startProgramWorld } from './program.fixture.js'

vi.setConfig({ testTimeout: 900_000, hookTimeout: 180_000 })

/** Frames of each kind: mutations of signed ones, and rubbish. */
const framesOfEach = 100_000
const attackersOfEach = 2
const chunk = 100
/** Share of chunks that end with a frame that costs its sender the connection. */
const rudeShare = 0.2
/** The hub's own objects fit into this many megabytes, or it ends: what is kept of each frame adds up to more. */
const heapMegabytes = 128
/** Bytes that its whole memory may have grown by since a fifth of the frames had come. */
const mayGrow = 128 * 2 ** 20

const seed = Number(process.env.PONTAGE_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32))
const random = seeded(seed)

let programs: ProgramWorld
let world: TestChain
let honest: { consumer: Identity; provider: Identity; channelId: Hex; nonce: number }
let bad: typeof honest

beforeAll(async () => {
  programs = await startProgramWorld()
  world = programs.world
  await world.fund(programs.hub, { tokens: '2000', coin: '10' })
  await programs.json('register', '--url', 'ws://127.0.0.1:7700')
  await programs.json('pool', 'fund', '100')
  honest = await couple('honest', 1)
  bad = await couple('bad', 1)
})
afterAll(() => programs.close())

/** A consumer with an open channel, and a provider. */
async function couple(name: string, nonce: number): Promise<typeof honest> {
  const consumer = await world.person(`${name} consumer`, { tokens: '100', coin: '1' })
  const provider = await world.person(`${name} provider`, { tokens: '100', coin: '1' })
  await world.register(consumer, 'consumer', '1')
  await world.register(provider, 'provider', '50')
  const sender = createSender(world.chain, consumer)
  await sender.send(world.chain.token.approve.populateTransaction(world.deployment.channels, tokens('20')))
  await sender.send(world.chain.channels.open.populateTransaction(programs.hub, nonce, tokens('20')))
  const parties = { consumer: consumer.address, hub: programs.hub, nonce }
  return { consumer, provider, nonce, channelId: channelIdOf({ chainId: 31_337 }, parties) }
}

it(`outlives ${2 * framesOfEach} hostile frames of seed ${seed}, grows no larger, and serves the honest meanwhile`, async () => {
  const options = process.env.NODE_OPTIONS
  process.env.NODE_OPTIONS = `${options ?? ''} --max-old-space-size=${heapMegabytes}`
  const { child, port, lines } = await programs.start(
    ...['--requests-per-second', '1000000', '--requests-per-second-per-address', '1000000'],
  )
  if (options === undefined) delete process.env.NODE_OPTIONS
  else process.env.NODE_OPTIONS = options
  const link = await dial(world, honest.provider, port)
  const { consumer, provider, channelId } = honest
  const channel = { consumer: consumer.address, hub: programs.hub, nonce: honest.nonce }
  const request = requestOf(world, consumer, channelId, provider.address, tokens('19'))
  expect(await link.request('guarantee', { channel, request })).toMatchObject({ ok: true })
  let promised = 0n
  const clearHonestly = async () => {
    promised += 1_000n
    const promises = [promiseOf(world, consumer, channelId, provider.address, promised)]
    const answer = await link.request('clear', { promises }, 120_000)
    const said = JSON.stringify(
      { ...answer, exitCode: child.exitCode, crash: lines.filter(isNoEntry) },
      asText,
    )
    const expected = { ok: true, value: { refused: [], total: netOf(wei(promised), 200) } }
    expect(answer, said).toMatchObject(expected)
  }
  await clearHonestly()

  const known = await examples()
  const hostile = createHostile(known, random)
  let sent = 0
  const attack = async (frame: (from: Hostile) => string | Buffer) => {
    let socket = await intrude(port, bad.provider)
    for (let left = framesOfEach / attackersOfEach; left > 0; left -= chunk) {
      for (let count = 0; count < chunk; count++) socket.send(frame(hostile))
      if (random() < rudeShare) socket.send(hostile.rude())
      sent += chunk
      if (!(await answered(socket))) socket = await intrude(port, bad.provider)
    }
    socket.close()
  }
  let over = false
  let cleared = 0
  let before = 0
  const honestly = async () => {
    while (!over) {
      await clearHonestly()
      cleared++
      if (before === 0 && sent > 0.4 * framesOfEach) before = memoryOf(child.pid)
    }
  }
  const attackers = Array.from({ length: attackersOfEach }, () => [
    attack((from) => from.mutated()),
    attack((from) => from.random()),
  ])
  await Promise.all([
    Promise.all(attackers.flat()).finally(() => {
      over = true
    }),
    honestly(),
  ])
  await clearHonestly()
  const grown = memoryOf(child.pid) - before
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const handled = reached(page)
  process.stdout.write(
    `seed ${seed}: ${sent} hostile frames, ${cleared} honest clears meanwhile, memory grew by ${Math.round(grown / 2 ** 20)} MB; ${[...handled].map(([type, count]) => `${type} ${count}`).join(', ')}\n`,
  )
  expect(sent).toBe(2 * framesOfEach)
  expect(cleared).toBeGreaterThan(0)
  expect(grown).toBeLessThan(mayGrow)
  for (const type of Object.keys(known)) expect(handled.get(type), type).toBeGreaterThan(0)
  expect(child.exitCode).toBeNull()

  // Every line of a request's work names the request, and none holds a signature or more.
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const mine = entries.filter(
    ({ message, provider: who }) => message === 'cleared' && who === provider.address,
  )
  expect(mine.length).toBeGreaterThanOrEqual(cleared)
  expect(new Set(mine.map(({ request: id }) => id)).size).toBe(mine.length)
  expect(lines.join('\n')).not.toMatch(/[0-9a-f]{130}/)
  link.close()
  await programs.stopAll()
})

/** What a crash prints between the log's lines. */
const isNoEntry = (line: string): boolean => !line.startsWith('{')
const asText = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)

/** How often each handler was given something that fits its schema. */
function reached(page: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [, type = '', count] of page.matchAll(
    /^pontage_hub_requests_total\{type="([a-z-]+)",outcome="[a-z-]+"\} (\d+)$/gm,
  ))
    counts.set(type, (counts.get(type) ?? 0) + Number(count))
  return counts
}

/** Bytes of memory a process has. */
const memoryOf = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024

/** A connection after its introduction, with nothing in between that would keep a frame from leaving. */
async function intrude(port: number, who: Identity): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
  socket.on('error', () => undefined)
  const { challenge } = JSON.parse(await nextText(socket))
  const introduced = nextText(socket)
  const hello = { peer: programs.hub, certificate: noCertificate, wireVersion, issuedAt: systemClock.now() }
  const signature = world.typedData.sign('Hello', { ...hello, challenge }, who.privateKey)
  const own = { type: 'hello', challenge: `0x${'12'.repeat(32)}`, identity: who.address, wireVersion }
  socket.send(encodeMessage({ ...own, issuedAt: hello.issuedAt, signature }))
  expect(JSON.parse(await introduced)).toMatchObject({ type: 'welcome' })
  return socket
}

const nextText = (socket: WebSocket): Promise<string> =>
  new Promise((resolve, reject) => {
    socket.once('message', (data) => resolve(String(data)))
    socket.once('close', (code) => reject(new Error(`The hub closed with ${code}.`)))
  })

let fences = 2 ** 40
/** Whether the connection still stands once everything sent before was read. */
function answered(socket: WebSocket): Promise<boolean> {
  const id = fences++
  return new Promise((resolve) => {
    const end = (stands: boolean) => {
      socket.off('message', look)
      socket.off('close', gone)
      resolve(stands)
    }
    const look = (data: Buffer, binary: boolean) => {
      if (!binary && data.includes(`"id":${id},`)) end(true)
    }
    const gone = () => end(false)
    socket.on('message', look)
    socket.on('close', gone)
    if (socket.readyState === socket.CLOSED) end(false)
    else socket.send(JSON.stringify({ id, type: 'describe' }))
  })
}

/** What an attacker can sign by itself, and what it overheard of others. */
async function examples(): Promise<Examples> {
  const { typedData, deployment } = world
  const { consumer, provider, channelId, nonce } = bad
  const channel = { consumer: consumer.address, hub: programs.hub, nonce }
  const later = unixSeconds(systemClock.now() + 3_600)
  const signed = {
    promise: (from: typeof honest, amount: bigint) =>
      promiseOf(world, from.consumer, from.channelId, from.provider.address, amount),
    guarantee: (from: typeof honest, ceiling: bigint) =>
      requestOf(world, from.consumer, from.channelId, from.provider.address, ceiling),
  }
  const registration = {
    identity: consumer.address,
    roles: roles.consumer,
    stake: tokens('1'),
    beneficiary: ZeroAddress as Address,
    url: '',
    relayFee: tokens('0.01'),
    nonce: 0n,
    deadline: later,
  }
  const opening = {
    ...{ consumer: consumer.address, hub: programs.hub, channelNonce: 2, amount: tokens('1') },
    ...{ relayFee: tokens('0.01'), deadline: later },
  }
  const permitted = await signPermit(world.chain, consumer, deployment.channels, tokens('2'), later)
  const end = { totals: [{ provider: provider.address, amount: wei(5n) }], releases: [] }
  const receipt = {
    ...{ provider: provider.address, channelId, amount: wei(5n), bytes: 1_000, throughputKbps: 10, score: 5 },
    endedAt: systemClock.now(),
  }
  const identity = consumer.address
  const paper = { relayFee: tokens('0.01'), nonce: 0n, deadline: later }
  const deposit = {
    ...{ consumer: consumer.address, hub: programs.hub, channelNonce: 1, amount: tokens('1') },
    ...paper,
  }
  const sign = <Name extends DocumentName>(name: Name, document: Document<Name>) =>
    typedData.signed(name, document, consumer.privateKey)
  const all: { [Type in HubRequest]: readonly object[] } = {
    describe: [{}],
    proposals: [{}, { country: 'DE', limit: 5 }],
    market: [{}],
    reach: [{}],
    liability: [{}, { provider: provider.address }, { root: channelId, blockNumber: 1 }],
    receipts: [{ receipts: [typedData.signed('SessionReceipt', receipt, consumer.privateKey)] }],
    clear: [
      { promises: [signed.promise(bad, 5n)] },
      { promises: [signed.promise(honest, 5n), signed.promise(bad, 6n), signed.promise(bad, 4n)] },
      { promises: [] },
    ],
    guarantee: [bad, honest].map((from) => ({
      channel: { ...channel, consumer: from.consumer.address },
      request: signed.guarantee(from, tokens('1')),
    })),
    prefund: [
      {
        channel,
        signature: await signChannelState(preFundState(deployment, channel, 0), consumer.privateKey),
      },
    ],
    'held-promises': [{ channel }],
    recall: [
      { hubPromise: null, guarantees: [] },
      {
        ...{ hubPromise: null, guarantees: [] },
        cleared: [{ ...signed.promise(bad, 5n), stamp: `0x${'ab'.repeat(32)}` }],
      },
    ],
    'close-draft': [{ channel }, { channel: { ...channel, consumer: honest.consumer.address } }],
    conclude: [
      {
        ...{ channel, turnNum: 2, ...end },
        signature: await signChannelState(finalState(deployment, channel, end), consumer.privateKey),
      },
    ],
    'relay-register': [
      {
        registration: typedData.signed('Registration', registration, consumer.privateKey),
        permit: permitted,
      },
    ],
    'relay-open': [{ opening: typedData.signed('Opening', opening, consumer.privateKey), permit: permitted }],
    'relay-finish': [
      { channel, protesters: [] },
      { channel, protesters: [provider.address] },
    ],
    'relay-deposit': [{ deposit: sign('Deposit', deposit), permit: permitted }],
    'relay-repay': [
      { repayment: sign('Repayment', { ...deposit, provider: provider.address }), permit: permitted },
    ],
    'relay-unbond': [
      { unbonding: sign('Unbonding', { ...paper, identity, amount: tokens('1') }), permit: permitted },
    ],
    'relay-withdraw': [{ withdrawal: sign('StakeWithdrawal', { ...paper, identity }) }],
    'relay-collect': [
      { collection: sign('Collection', { ...paper, owner: identity, to: provider.address }) },
    ],
    'relay-exit': [
      {
        channel,
        exit: typedData.signed(
          'ExitRequest',
          { channelId, relayFee: tokens('0.01'), deadline: later },
          consumer.privateKey,
        ),
      },
    ],
  }
  return all
}
