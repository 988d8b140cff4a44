import { setTimeout as delay } from 'node:timers/promises'
import { type Address, address } from '@pontage/shared'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  logLines,
  type Market,
  measureDelivery,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// One market, one honest hub, one provider, one consumer: what each of them lives through, one story after the other.

type Running = Person & { program: Program }

/** A service that hears every address of its machine. */
const openService = `require('node:http').createServer((_, answer) => answer.end('ours'))
  .listen(8080, '0.0.0.0', () => console.log('listening'))`
/** Sends 1,200-byte packets that nobody asked for to the address in its arguments, then looks for a service there. */
const pour = `
  const socket = require('node:dgram').createSocket('udp4')
  const to = process.argv[1]
  const packet = Buffer.alloc(1_200)
  let sent = 0
  const next = () => sent > 25_000_000 ? look() : socket.send(packet, 40_000, to, () => { sent += packet.length; next() })
  const look = () => {
    socket.close()
    const end = (reached) => { console.log(JSON.stringify({ sent, reached })); process.exit(0) }
    require('node:net').connect({ host: to, port: 8080 }).on('connect', () => end(true)).on('error', () => end(false))
    setTimeout(() => end(false), 2_000)
  }
  next()`

const price = 20_000_000_000_000_000n
const beneficiary: Address = address(`0x${'b0'.repeat(20)}`)
let market: Market
let hub: Running
let provider: Running
let consumer: Person
let hubArguments: readonly string[]

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  hubArguments = ['run', '--port', '7700', '--draw-above', '1000']
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], beneficiary, megabits: 80, redeemAbove: '0.05' },
    flags: ['--ceiling', '10MB'],
  })
  consumer = await seatConsumer(market, 'consumer', '20')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
})
afterAll(() => market.destroy())

/** Downloads this many bytes at the consumer's machine; false when it did not come through. */
async function download(size: number, seconds = 30): Promise<boolean> {
  const curl = consumer.host.start([
    ...[
      'curl',
      '-sS',
      '--fail',
      '--max-time',
      String(seconds),
      '-o',
      '/dev/null',
      market.internet.fileUrl(size),
    ],
  ])
  return (await curl.ended).code === 0
}

async function connect(...args: readonly string[]): Promise<Program> {
  const program = endAfterFailure(consumer, consumer.start(['connect', '--json', ...args]))
  await logged(program, 'connected', {}, 60_000)
  return program
}

const whoAmI = async (): Promise<string> =>
  (await consumer.host.run(['curl', '-sS', '--max-time', '5', market.internet.addressUrl])).stdout.trim()

describe('a consumer', () => {
  it('pays each megabyte that began, and the provider counts what it counts', async () => {
    const session = await connect()
    expect(await whoAmI()).toBe(provider.host.address)
    expect(await download(5_000_000)).toBe(true)
    session.signal('SIGINT')
    const ended = await logged(session, 'ended')
    expect((await session.ended).code).toBe(0)
    const used = Number(ended.downBytes) + Number(ended.upBytes)
    expect(used).toBeGreaterThan(5_000_000)
    expect(BigInt(String(ended.spent))).toBe(BigInt(Math.ceil(used / 1_000_000)) * price)
    const theirs = await logged(provider.program, 'session ended')
    const counted = Number(theirs.downBytes) + Number(theirs.upBytes)
    // Of packets that a device has merged only one header is counted: 52 bytes of 1,440 each, and the acknowledgements.
    expect(Math.abs(counted - used)).toBeLessThan(0.06 * used)
    expect(await whoAmI()).toBe(consumer.host.address)
  })

  it('pays nothing for what its provider pours in, and shows it no service of its own', async () => {
    const service = consumer.host.start([process.execPath, '-e', openService])
    await service.line(/listening/)
    const program = consumer.start(['connect', '--json'])
    const { address: inside } = await logged(program, 'connected', {}, 60_000)
    const pouring = provider.host.start([process.execPath, '-e', pour, String(inside)])
    expect((await pouring.ended).code).toBe(0)
    const [poured] = pouring.lines('stdout')
    const { sent, reached } = JSON.parse(poured ?? '{}') as { sent: number; reached: boolean }
    expect(sent).toBeGreaterThan(20_000_000)
    expect(reached).toBe(false)
    program.signal('SIGINT')
    const ended = await logged(program, 'ended')
    const counted = Number(ended.downBytes) + Number(ended.upBytes)
    console.log(`poured in: ${sent} bytes sent, ${counted} counted, ${ended.spent} wei signed`)
    expect(counted).toBeLessThan(100_000)
    expect(BigInt(String(ended.spent))).toBeLessThanOrEqual(price)
    await service.stop('SIGKILL')
    await logged(provider.program, 'session ended')
  })

  it('gets its provider paid on chain, less the fee of the hub', async () => {
    await logged(provider.program, 'redeemed', { hub: hub.address })
    const { paid } = await market.chain.channels.accountOf(hub.address, provider.address)
    expect(await market.chain.token.balanceOf(beneficiary)).toBe(paid)
    expect(paid).toBe((6n * price * 98n) / 100n)
  })

  it('gets not a byte more than its cap, and stays shut until it says so', async () => {
    const meter = await measureDelivery(market.internet)
    const session = await connect('--cap', '8MB')
    const file = consumer.host.start(['curl', '-sS', '-o', '/dev/null', market.internet.fileUrl(30_000_000)])
    const ended = await logged(session, 'ended', {}, 60_000)
    expect(ended.reason).toBe('cap')
    expect((await session.ended).code).toBe(0)
    const { downBytes, upBytes } = await meter.read(provider.host.address)
    expect(downBytes + upBytes).toBeLessThanOrEqual(8_000_000)
    expect(downBytes + upBytes).toBeGreaterThan(7_500_000)
    await file.stop('SIGKILL')
    expect(await download(1_000, 2)).toBe(false)
    expect((await meter.read(consumer.host.address)).upBytes).toBe(0)
    meter.stop()
    await consumer.run('disconnect')
    expect(await whoAmI()).toBe(consumer.host.address)
  })

  it('without a cap goes on beyond its first guarantee, while its channel has something in it', async () => {
    const session = await connect()
    const { limitBytes } = await logged(session, 'connected')
    expect(await download(Number(limitBytes) + 4_000_000, 120)).toBe(true)
    expect(logLines(session, ({ event }) => event === 'raised').length).toBeGreaterThan(0)
    session.signal('SIGINT')
    const ended = await logged(session, 'ended')
    expect((await session.ended).code).toBe(0)
    expect(Number(ended.downBytes)).toBeGreaterThan(Number(limitBytes))
  })

  it('leaks nothing when its program is killed, and goes on from its last total', async () => {
    const meter = await measureDelivery(market.internet)
    const before = await signed()
    const session = await connect()
    expect(await download(3_000_000)).toBe(true)
    session.signal('SIGKILL')
    await session.ended
    // The tunnel without its payer: the provider's credit may still pass, the consumer's own address never.
    await download(1_000, 2)
    expect((await meter.read(consumer.host.address)).upBytes).toBe(0)
    meter.stop()
    await consumer.run('disconnect')
    expect(await whoAmI()).toBe(consumer.host.address)
    const again = await connect()
    expect(await download(1_500_000)).toBe(true)
    again.signal('SIGTERM')
    expect((await again.ended).code).toBe(0)
    const after = await signed()
    expect(after).toBeGreaterThanOrEqual(before + 5n * price)
  })

  it('does not notice that the hub is away: what was promised clears when it is back', async () => {
    await hub.program.stop()
    const session = await connectWithoutHub()
    expect(session).toMatch(/hub/i)
    hub.program = hub.start(hubArguments)
    await hub.program.line(/"listening"/)
    const running = await connectWhenReady()
    await hub.program.stop('SIGKILL')
    expect(await download(4_000_000)).toBe(true)
    running.signal('SIGINT')
    expect((await running.ended).code).toBe(0)
    hub.program = hub.start(hubArguments)
    await hub.program.line(/"listening"/)
    const total = await signed()
    await eventually(
      'everything promised was redeemed',
      async () => {
        const { paid } = await market.chain.channels.accountOf(hub.address, provider.address)
        return paid === (total * 98n) / 100n
      },
      90_000,
    )
  })

  it('is told when the provider dies, and stays shut', async () => {
    const session = await connect('--retry-for', '10')
    expect(await download(1_000_000)).toBe(true)
    const meter = await measureDelivery(market.internet)
    provider.program.signal('SIGKILL')
    await provider.program.ended
    const ended = await logged(session, 'ended', {}, 90_000)
    expect(ended.reason).toBe('lost')
    expect((await session.ended).code).toBe(1)
    await download(1_000, 2)
    expect((await meter.read(consumer.host.address)).upBytes).toBe(0)
    meter.stop()
    await consumer.run('disconnect')
    expect(await whoAmI()).toBe(consumer.host.address)
  })

  /** The consumer's highest signed total, as its own journal has it. */
  async function signed(): Promise<bigint> {
    const { channels } = await consumer.json<{ channels: { promised: { amount: string }[] }[] }>(
      ...(['channel', 'status'] as const),
    )
    return BigInt(channels[0]?.promised[0]?.amount ?? 0)
  }

  /** What connect says while no guarantee is to be had. */
  async function connectWithoutHub(): Promise<string> {
    const attempt = consumer.start(['connect', '--json'])
    expect((await attempt.ended).code).toBe(1)
    return attempt.lines('stderr').join('\n')
  }

  /** The provider comes back to its hub by itself, after a pause. */
  async function connectWhenReady(): Promise<Program> {
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const program = consumer.start(['connect', '--json'])
      const first = await Promise.race([
        logged(program, 'connected', {}, 60_000).then(() => true),
        program.ended.then(() => false),
      ]).catch(() => false)
      if (first) return program
      await delay(1_000)
    }
    throw new Error('The provider never found its hub again.')
  }
})

describe('a provider', () => {
  it('that was killed leaves nothing of its session behind once it says down', async () => {
    await provider.run('down')
    const { stdout } = await provider.host.run(['nft', 'list', 'tables'])
    expect(stdout).not.toContain('pontage')
    const links = (await provider.host.run(['ip', '-brief', 'link'])).stdout
    expect(links).not.toMatch(/^pont/m)
  })
})
