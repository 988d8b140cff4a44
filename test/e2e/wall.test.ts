import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  captureLeak,
  censor,
  createMarket,
  endCensorship,
  fileDigest,
  logged,
  logLines,
  type Market,
  makeNoise,
  noLeak,
  openHub,
  openProvider,
  type Person,
  type Program,
  runIntoCap,
  seatConsumer,
} from '../world/index.js'

const fileBytes = 30_000_000

let market: Market
let consumer: Person
let provider: Awaited<ReturnType<typeof openProvider>>

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 100 },
  })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
})
afterAll(() => market.destroy())
afterEach(() => endCensorship())

/** What a person at home would forget it by: a network of another router. */
const forgetNetworks = () => consumer.host.run(['rm', '-f', join('.pontage', 'consumer', 'carriers.json')])

async function connect(...args: readonly string[]) {
  const program = consumer.start(['connect', '--json', ...args])
  const { carrier, stepsMs } = await logged(program, 'connected', {}, 60_000)
  return { program, carrier, tunnelMs: (stepsMs as { tunnel: number }).tunnel }
}

/** Downloads the file, and checks that it is whole. @returns Milliseconds from the start to the first byte */
async function download(bytes = fileBytes): Promise<number> {
  const words = ['curl', '-sS', '--fail', '--max-time', '90', '-w', '%{time_starttransfer}', '-o', 'file']
  const { stdout } = await consumer.host.run([...words, market.internet.fileUrl(bytes)], {
    timeoutMs: 100_000,
  })
  const { stdout: sum } = await consumer.host.run(['sha256sum', 'file'])
  expect(sum.split(' ')[0]).toBe(fileDigest(bytes))
  return Number(stdout) * 1_000
}

/** Ends it, and checks that what was carried was paid, once. */
async function end(program: Program, carried = fileBytes): Promise<void> {
  expect(await program.stop('SIGINT', 30_000)).toEqual({ code: 0, signal: null })
  const ended = await logged(program, 'ended')
  expect(logLines(program, ({ event }) => event === 'failed-over')).toEqual([])
  const bytes = Number(ended.downBytes) + Number(ended.upBytes)
  expect(bytes).toBeGreaterThan(carried)
  expect(bytes).toBeLessThan(1.2 * carried + 1_000_000)
  // 0.05 tokens a gigabyte: by megabytes begun, of what is charged, which is less than what was counted.
  const spent = Number(ended.spent) / 1e18
  expect(spent).toBeGreaterThanOrEqual((carried / 1e9) * 0.05)
  expect(spent).toBeLessThan((bytes / 1e9 + 0.001) * 0.05 + 1e-9)
  expect(Number(ended.accepted)).toBe(Number(ended.spent))
}

describe('behind a censor, a consumer downloads 30 MB, paid and whole', { timeout: 300_000 }, () => {
  it('where nothing is dropped: by UDP', async () => {
    const { program, carrier } = await connect()
    expect(carrier).toBe('udp')
    await download()
    await end(program)
  })

  it('where WireGuard is recognised by its first bytes: by wss', async () => {
    await censor(consumer.host, { wireguard: true })
    const { program, carrier, tunnelMs } = await connect()
    expect(carrier).toBe('wss')
    const firstByteMs = await download()
    console.log(
      `UDP blocked, network unknown: tunnel after ${tunnelMs} ms, then first byte after ${firstByteMs} ms`,
    )
    const { live } = await consumer.json<{ live: { carrier: string } }>('status')
    expect(live.carrier).toBe('wss')
    await end(program)
  })

  it('where UDP is dropped altogether: by wss at once, since this network is known', async () => {
    await censor(consumer.host, { udp: true })
    const { program, carrier, tunnelMs } = await connect()
    expect(carrier).toBe('wss')
    const firstByteMs = await download()
    console.log(
      `UDP blocked, network known: tunnel after ${tunnelMs} ms, then first byte after ${firstByteMs} ms`,
    )
    await end(program)
  })

  it('where UDP passes at first, and is dropped in mid-session: it goes on by wss', async () => {
    await forgetNetworks()
    const { program, carrier } = await connect()
    expect(carrier).toBe('udp')
    const rate = ['--limit-rate', '2M']
    const words = ['curl', '-sS', '--fail', '--max-time', '90', ...rate, '-o', 'file']
    const downloading = consumer.host.run([...words, market.internet.fileUrl(fileBytes)], {
      timeoutMs: 100_000,
    })
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    const droppedAt = Date.now()
    await censor(consumer.host, { udp: true })
    await logged(program, 'carrier', { carrier: 'wss' }, 20_000)
    console.log(`change-over ${Date.now() - droppedAt} ms after UDP was dropped`)
    await downloading
    const { stdout: sum } = await consumer.host.run(['sha256sum', 'file'])
    expect(sum.split(' ')[0]).toBe(fileDigest(fileBytes))
    await end(program)
    await forgetNetworks()
  })
})

describe('over wss', { timeout: 300_000 }, () => {
  it('a cap is never passed by a byte', async () => {
    const cap = 4_000_000
    const run = await runIntoCap(market, consumer, provider.host.address, cap, '--carrier', 'wss')
    expect(run.counted, JSON.stringify(run)).toBeLessThanOrEqual(cap)
    expect(run.delivered, JSON.stringify(run)).toBeLessThanOrEqual(cap)
    expect(cap - run.counted, JSON.stringify(run)).toBeLessThanOrEqual(100_000)
  })

  it('a namespace of programs is connected, too', async () => {
    const words = ['exec', '--carrier', 'wss', '--', 'curl', '-sS', '--max-time', '30']
    const seen = await consumer.run(...words, market.internet.addressUrl)
    expect(seen.trim().split('\n').at(-1)).toBe(provider.host.address)
  })

  it('nothing leaves a busy machine but TCP to the payment port, also when its provider is gone', async () => {
    await censor(consumer.host, { udp: true })
    const program = consumer.start(['connect', '--json', '--carrier', 'wss'])
    await logged(program, 'connected', {}, 60_000)
    const noise = makeNoise(market, consumer.host)
    const leak = await captureLeak(market, consumer.host, [provider.host], async () => {
      await download(3_000_000)
      await program.stop('SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, 2_000))
    })
    await noise.stop('SIGKILL')
    expect(leak).toEqual(noLeak)
    await consumer.run('disconnect')
  })
})
