import { join } from 'node:path'
import { type Address, address, bytes, chargedBytes, parseTrafficPrice } from '@pontage/shared'
import { type NftReader, openNftReader } from '@pontage/shared/node'
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
import { creditFor, formatBandwidth } from '#built/core/bandwidth.js'
import { PromiseStore } from '#built/io/store/promiseStore.js'
import { openDatabase } from '#built/io/store/storeSchema.js'
import { type PlainTunnel, raisePlainTunnel } from './plainTunnel.js'
import { quantile } from './quantile.js'
import { Downloads } from './throughput.js'

/** What a real tunnel through a real provider shows. */
export interface TunnelFigures {
  /** Bits a second, the median of the pairs. */
  readonly paidBitsPerSecond: number
  readonly plainBitsPerSecond: number
  /** Of a tunnel without any firewall, the best of three. */
  readonly bareBitsPerSecond: number
  /** Median of the ratios within each pair: with payments, over the same tunnel without. */
  readonly throughputRatio: number
  /** From a megabyte's beginning in the consumer's kernel to its promise on the provider's disk. */
  readonly meteredToAcceptedMs: { readonly p50: number; readonly p99: number; readonly samples: number }
  /** Bytes that a consumer got which stopped paying in the middle of a download. */
  readonly unpaidBytesAtStop: number
  readonly creditBytes: number
}

const price = '0.05/GB'
const pairs = 15
const secondsEach = 3
const watchedMegabytes = 100
const inTheMiddleBytes = 300_000_000n
const beneficiary: Address = address(`0x${'be'.repeat(20)}`)

/**
 * Runs in a world of its own (`scripts/world`).
 *
 * What is compared is paying. Two tunnels of the same wireguard-go with the same MTU, over the same kind of line, from
 * the same server, both with the firewalls of provider and consumer, rule by rule. In one of them nobody pays, and no
 * program of ours looks on. In the other the consumer counts and signs, the provider checks, stores and raises the
 * limit. The provider offers the speed that the first was seen to have, as its owner would, which sets the credit.
 * Pairs are measured in turn while both stand.
 */
export async function measureTunnel(): Promise<TunnelFigures> {
  const market = await createMarket()
  try {
    const downloads = new Downloads(market.internet.host)
    const plain = await raisePlainTunnel(market)
    const bare: number[] = []
    for (let run = 0; run < 3; run++) bare.push(await downloads.measure(plain.host, secondsEach))
    const bareBitsPerSecond = Math.max(...bare)
    const speed = BigInt(Math.ceil(bareBitsPerSecond / 1e6)) * 1_000_000n
    const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '50' })
    const provider = await openProvider(market, 'provider', {
      ...{ price, country: 'DE', hubs: [hub.address], beneficiary },
      flags: ['--speed', formatBandwidth(speed), '--ceiling', '150GB'],
    })
    const consumer = await seatConsumer(market, 'consumer', '50')
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '20')
    const session = consumer.start(['connect', '--json'])
    await session.line(/"connected"/, { timeoutMs: 60_000 })
    await plain.dressAs({ consumer: consumer.host, provider: provider.host })
    const throughput = await measurePairs(downloads, consumer, plain)
    const meteredToAcceptedMs = await measureDelay(market, provider, consumer, hub.address)
    const unpaidBytesAtStop = await stopPaying(market, downloads, provider, consumer, session)
    await plain.remove()
    const creditBytes = Number(creditFor(speed))
    return { ...throughput, bareBitsPerSecond, meteredToAcceptedMs, unpaidBytesAtStop, creditBytes }
  } finally {
    await market.destroy()
  }
}

/** In turn, and each pair the other way round, so that whatever else the machine does falls on both. */
async function measurePairs(downloads: Downloads, consumer: Person, plain: PlainTunnel) {
  const seen: { paid: number; plain: number }[] = []
  const run = ({ host }: { host: Person['host'] }) => downloads.measure(host, secondsEach)
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) seen.push({ plain: await run(plain), paid: await run(consumer) })
    else seen.push({ paid: await run(consumer), plain: await run(plain) })
  }
  const median = (of: (each: { paid: number; plain: number }) => number) => quantile(seen.map(of), 0.5)
  return {
    paidBitsPerSecond: median(({ paid }) => paid),
    plainBitsPerSecond: median((each) => each.plain),
    throughputRatio: median((each) => each.paid / each.plain),
  }
}

/** Watches the consumer's counter and the provider's store from outside, while a line of 40 Mbit/s is full. */
async function measureDelay(market: Market, provider: Person, consumer: Person, hub: Address) {
  await provider.run('limit', '--session', '40Mbit')
  const reader = openNftReader({ netns: consumer.host.netns })
  const db = openDatabase(join(provider.host.home, '.pontage', 'provider'))
  const store = new PromiseStore(db)
  const perMegabyte = parseTrafficPrice(price, market.chain.tokenDecimals)
  const begun = async () => Math.ceil(Number(await chargedTo(reader)) / 1e6)
  const accepted = () => Number((store.channelsOf(hub)[0]?.promise?.amount ?? 0n) / perMegabyte)
  const first = (await begun()) + 1
  const begunAt: number[] = []
  const delays: number[] = []
  const download = consumer.host.start([
    ...['curl', '-sS', '--fail', '-o', '/dev/null'],
    market.internet.fileUrl((watchedMegabytes + 2) * 1_000_000),
  ])
  const giveUpAt = performance.now() + 120_000
  while (delays.length < watchedMegabytes) {
    const promised = accepted()
    const now = performance.now()
    while (delays.length < begunAt.length && first + delays.length <= promised)
      delays.push(now - (begunAt[delays.length] ?? now))
    const counted = await begun()
    while (begunAt.length < watchedMegabytes && first + begunAt.length <= counted)
      begunAt.push(performance.now())
    if (download.failed) throw new Error(`The download failed: ${download.output()}`)
    if (now > giveUpAt) throw new Error(`Only ${delays.length} of ${watchedMegabytes} megabytes were paid.`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await download.stop('SIGKILL')
  reader.close()
  db.close()
  await provider.run('limit', '--session', 'none')
  const rounded = (share: number) => Number(quantile(delays, share).toFixed(1))
  return { p50: rounded(0.5), p99: rounded(0.99), samples: delays.length }
}

/** What the consumer's kernel has counted, as it is charged. */
async function chargedTo(reader: NftReader): Promise<bigint> {
  const counters = await reader.readCounters('inet', 'pontage_consumer')
  const [down, up] = [counters.get('down'), counters.get('up')]
  return chargedBytes({
    downBytes: bytes(down?.bytes ?? 0n),
    upBytes: bytes(up?.bytes ?? 0n),
    downPackets: down?.packets ?? 0n,
    upPackets: up?.packets ?? 0n,
  })
}

/** Halts the consumer's program in the middle of a download at full speed, and sees what its kernel still gets. */
async function stopPaying(
  market: Market,
  downloads: Downloads,
  provider: Person,
  consumer: Person,
  session: Program,
) {
  const perMegabyte = parseTrafficPrice(price, market.chain.tokenDecimals)
  const reader = openNftReader({ netns: consumer.host.netns })
  const look = async () => {
    const { sessions } = await provider.json<{ sessions: { phase: string; promised: string }[] }>('sessions')
    const [shown] = sessions
    if (shown === undefined) throw new Error('The session is over already.')
    return { ...shown, charged: await chargedTo(reader) }
  }
  const before = await look()
  const { client, server } = await downloads.begin(consumer.host, 60)
  await eventually('the download is on its way', async () => {
    return (await look()).charged > before.charged + inTheMiddleBytes
  })
  session.signal('SIGSTOP')
  let last = await look()
  await eventually('the provider stops forwarding', async () => {
    const next = await look()
    const isStill = next.charged === last.charged && next.promised === last.promised
    last = next
    return next.phase === 'suspended' && isStill
  })
  await client.stop('SIGKILL')
  await server.stop('SIGKILL')
  await session.stop('SIGKILL')
  reader.close()
  return Number(last.charged) - Number(BigInt(last.promised) / perMegabyte) * 1e6
}
