import { type Address, address, parseTrafficPrice } from '@pontage/shared'
import { openNftReader } from '@pontage/shared/node'
import {
  createMarket,
  eventually,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '@pontage/test/world'
import { type PlainTunnel, raisePlainTunnel } from './plainTunnel.js'

/** What a real tunnel through a real provider shows. */
export interface TunnelFigures {
  /** Bits a second, the median of the pairs. */
  readonly paidBitsPerSecond: number
  readonly plainBitsPerSecond: number
  /** Median of the ratios within each pair: with everything, over a bare WireGuard tunnel. */
  readonly throughputRatio: number
  /** From a megabyte's beginning in the consumer's kernel to its promise on the provider's disk. */
  readonly meteredToAcceptedMs: { readonly p50: number; readonly p99: number; readonly samples: number }
  /** Bytes that a consumer got which stopped paying in the middle of a download. */
  readonly unpaidBytesAtStop: number
  readonly creditBytes: number
}

const price = '0.05/GB'
/** 200 ms of it are the credit. */
const speed = { text: '1Gbit', creditBytes: 25_000_000 }
const pairs = 5
const secondsEach = 4
const firstIperfPort = 5_200
const beneficiary: Address = address(`0x${'be'.repeat(20)}`)

/** Runs in a world of its own (`scripts/world`). */
export async function measureTunnel(): Promise<TunnelFigures> {
  const market = await createMarket()
  try {
    const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '50' })
    const provider = await openProvider(market, 'provider', {
      ...{ price, country: 'DE', hubs: [hub.address], beneficiary },
      flags: ['--speed', speed.text, '--ceiling', '150GB', '--log-level', 'debug'],
    })
    const consumer = await seatConsumer(market, 'consumer', '50')
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '20')
    const session = consumer.start(['connect', '--json'])
    await session.line(/"connected"/, { timeoutMs: 60_000 })
    const plain = await raisePlainTunnel(market)
    const throughput = await measurePairs(market, consumer, plain)
    const meteredToAcceptedMs = await measureDelay(market, provider, consumer)
    const unpaidBytesAtStop = await stopPaying(market, provider, consumer, session)
    await plain.remove()
    return { ...throughput, meteredToAcceptedMs, unpaidBytesAtStop, creditBytes: speed.creditBytes }
  } finally {
    await market.destroy()
  }
}

interface IperfReport {
  readonly error?: string
  readonly end?: { readonly sum_received?: { readonly bits_per_second: number } }
}

/** In turn, and each pair the other way round, so that whatever else the machine does falls on both. */
async function measurePairs(market: Market, consumer: Person, plain: PlainTunnel) {
  let port = firstIperfPort
  /** A server of its own for each run: one that still closes the run before refuses the next as busy. */
  const run = async (host: Person['host']): Promise<number> => {
    port += 1
    const server = market.internet.host.start([
      ...['iperf3', '--server', '--one-off', '--forceflush', '--port', String(port)],
    ])
    await server.line(/listening/i)
    const client = host.start([
      ...['iperf3', '--client', market.internet.host.address, '--port', String(port), '--reverse', '--json'],
      ...['--time', String(secondsEach), '--omit', '1'],
    ])
    await client.ended
    await server.stop('SIGKILL')
    const printed = [...client.lines('stdout')].join('\n')
    const { error, end } = JSON.parse(printed) as IperfReport
    if (!end?.sum_received) throw new Error(`iperf3 measured nothing: ${error ?? printed}`)
    return end.sum_received.bits_per_second
  }
  const seen: { paid: number; plain: number }[] = []
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) seen.push({ plain: await run(plain.host), paid: await run(consumer.host) })
    else seen.push({ paid: await run(consumer.host), plain: await run(plain.host) })
  }
  return {
    paidBitsPerSecond: quantile(
      seen.map(({ paid }) => paid),
      0.5,
    ),
    plainBitsPerSecond: quantile(
      seen.map((each) => each.plain),
      0.5,
    ),
    throughputRatio: quantile(
      seen.map((each) => each.paid / each.plain),
      0.5,
    ),
  }
}

/** Watches the consumer's counter from outside, and the provider's log, while a line of 40 Mbit/s is full. */
async function measureDelay(market: Market, provider: Person & { program: Program }, consumer: Person) {
  await provider.run('limit', '--session', '40Mbit')
  const reader = openNftReader({ netns: consumer.host.netns })
  const counted = async () => {
    const counters = await reader.readCounters('inet', 'pontage_consumer')
    return Number((counters.get('down')?.bytes ?? 0n) + (counters.get('up')?.bytes ?? 0n))
  }
  const begunAt = new Map<number, number>()
  let megabytes = Math.ceil((await counted()) / 1e6)
  const download = consumer.host.start([
    ...['curl', '-sS', '--fail', '-o', '/dev/null'],
    market.internet.fileUrl(120_000_000),
  ])
  while (download.running) {
    const begun = Math.ceil((await counted()) / 1e6)
    const now = Date.now()
    while (megabytes < begun) begunAt.set(++megabytes, now)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  reader.close()
  await provider.run('limit', '--session', 'none')
  const perMegabyte = parseTrafficPrice(price, market.chain.tokenDecimals)
  const accepted = [...provider.program.lines('stderr')]
    .flatMap((line) => (line.includes('"promise accepted"') ? [JSON.parse(line)] : []))
    .map(({ amount, timestamp }: { amount: string; timestamp: string }) => ({
      megabytes: Number(BigInt(amount) / perMegabyte),
      at: Date.parse(timestamp),
    }))
  const delays: number[] = []
  for (const [megabyte, at] of begunAt) {
    const taken = accepted.find((promise) => promise.megabytes >= megabyte)
    if (taken !== undefined) delays.push(Math.max(0, taken.at - at))
  }
  return { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99), samples: delays.length }
}

/** Halts the consumer's program, whose kernel goes on downloading, and sees how far it comes. */
async function stopPaying(market: Market, provider: Person, consumer: Person, session: Program) {
  session.signal('SIGSTOP')
  const download = consumer.host.start([
    ...['curl', '-sS', '--max-time', '20', '-o', '/dev/null'],
    market.internet.fileUrl(200_000_000),
  ])
  const perMegabyte = parseTrafficPrice(price, market.chain.tokenDecimals)
  const unpaid = await eventually('the provider stops forwarding', async () => {
    const { sessions } = await provider.json<{
      sessions: { phase: string; downBytes: string; upBytes: string; paid: string }[]
    }>('sessions')
    const [shown] = sessions
    if (shown?.phase !== 'suspended') return undefined
    return Number(shown.downBytes) + Number(shown.upBytes) - Number(BigInt(shown.paid) / perMegabyte) * 1e6
  })
  await download.stop('SIGKILL')
  await session.stop('SIGKILL')
  return unpaid
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
