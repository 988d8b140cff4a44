import { readdirSync, readFileSync } from 'node:fs'
import { runCommand } from '@pontage/shared/node'
import {
  createMarket,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  seatConsumer,
} from '@pontage/test/world'
import { moveAway } from './distantLine.js'
import { quantile } from './quantile.js'
import { Downloads } from './throughput.js'

/** What a session carries by each carrier, its whole way on this machine: both ends, both WireGuards and who measures. */
export interface CarrierFigures {
  readonly udpMbit: number
  readonly wssDownMbit: number
  readonly wssUpMbit: number
  /** Median milliseconds of a ping through the tunnel while a download over `wss` runs. */
  readonly loadedLatencyMs: number
  /** What comes through over `wss` on a bad line far away, as a share of what one plain download gets there. */
  readonly wssLossyRatio: number
  readonly wssShared: Shared
}

/** What sessions get that are carried over `wss` at the same time, by one provider. */
interface Shared {
  readonly sessions: number
  readonly leastMbit: number
  readonly medianMbit: number
  readonly mostMbit: number
  /** The most memory that the provider had. */
  readonly providerMegabytes: number
}

const secondsEach = 6
const runs = 3
const badLine = { roundTripMs: 50, lossPercent: 0.5 }
const secondsOnBadLine = 20
const sharing = 20
const secondsShared = 15
const pingsEvery = '0.2'

/** Runs in a world of its own (`scripts/world`). */
export async function measureCarriers(): Promise<CarrierFigures> {
  const market = await createMarket()
  try {
    const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '50' })
    await openProvider(market, 'provider', {
      ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer },
      flags: ['--speed', '2000Mbit', '--ceiling', '150GB'],
    })
    const consumer = await seatConsumer(market, 'consumer', '50')
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '20')
    const downloads = new Downloads(market.internet.host)
    const best = async (direction: 'down' | 'up') => {
      const seen: number[] = []
      for (let run = 0; run < runs; run++)
        seen.push(await downloads.measure(consumer.host, secondsEach, direction))
      return Math.round(Math.max(...seen) / 1e6)
    }
    const udp = await connected(consumer, 'udp', async () => ({ udpMbit: await best('down') }))
    const wss = await connected(consumer, 'wss', async () => ({
      wssDownMbit: await best('down'),
      wssUpMbit: await best('up'),
      loadedLatencyMs: await latencyUnderLoad(market, downloads, consumer),
    }))
    const wssShared = await shared(market, hub, downloads)
    const wssLossyRatio = await lossyRatio(market, downloads, consumer)
    return { ...udp, ...wss, wssLossyRatio, wssShared }
  } finally {
    await market.destroy()
  }
}

async function connected<Figures>(
  consumer: Person,
  carrier: string,
  measure: () => Promise<Figures>,
): Promise<Figures> {
  const session = consumer.start(['connect', '--json', '--carrier', carrier])
  await logged(session, 'connected', { carrier }, 60_000)
  const figures = await measure()
  await session.stop('SIGINT', 30_000)
  return figures
}

async function latencyUnderLoad({ internet }: Market, downloads: Downloads, consumer: Person) {
  const { client, server } = await downloads.begin(consumer.host, secondsEach)
  const count = String(Math.floor((secondsEach - 1) / Number(pingsEvery)))
  const words = ['ping', '-n', '-i', pingsEvery, '-c', count, internet.host.address]
  const { stdout } = await runCommand(words, { netns: consumer.host.netns }).catch((error) => error)
  await client.ended
  await server.stop('SIGKILL')
  const times = [...String(stdout).matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms))
  times.sort((a, b) => a - b)
  return Math.round(times[Math.floor(times.length / 2)] ?? Number.NaN)
}

/** Each pair in a row, since the machine may be busy now and then; the median of the pairs. */
async function lossyRatio(market: Market, downloads: Downloads, consumer: Person): Promise<number> {
  // As most systems have it, TCP slows down by what is lost; whichever of its ways this machine has taken.
  for (const { netns } of market.world.hosts.values())
    await runCommand(['sysctl', '-qw', 'net.ipv4.tcp_congestion_control=reno'], { netns })
  const ratios: number[] = []
  for (let run = 0; run < runs; run++) {
    const comeBack = await moveAway(consumer.host, { ...badLine, seed: run + 1 })
    const plain = await downloads.measure(consumer.host, secondsOnBadLine)
    ratios.push(
      await connected(
        consumer,
        'wss',
        async () => (await downloads.measure(consumer.host, secondsOnBadLine)) / plain,
      ),
    )
    await comeBack()
  }
  return Number(quantile(ratios, 0.5).toFixed(2))
}

async function shared(market: Market, hub: Person, downloads: Downloads): Promise<Shared> {
  const sessions = []
  for (let number = 1; number <= sharing; number++) {
    const consumer = await seatConsumer(market, `sharer${number}`, '50')
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '20')
    const session = consumer.start(['connect', '--json', '--carrier', 'wss'])
    await logged(session, 'connected', { carrier: 'wss' }, 60_000)
    sessions.push({ consumer, session })
  }
  const bits = await Promise.all(
    sessions.map(({ consumer }) => downloads.measure(consumer.host, secondsShared)),
  )
  const providerMegabytes = mostMemory(/pontage-provider|provider\/dist\/main\.js/)
  for (const { session } of sessions) await session.stop('SIGINT', 30_000)
  const mbit = (share: number) => Math.round(quantile(bits, share) / 1e5) / 10
  return {
    ...{ sessions: sharing, leastMbit: mbit(0), medianMbit: mbit(0.5), mostMbit: mbit(1) },
    providerMegabytes,
  }
}

/** Megabytes that the largest process with such a command line has had at most, of those in this world. */
function mostMemory(commandLine: RegExp): number {
  const most = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        if (!commandLine.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) return 0
        const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
        return Number(kibibytes ?? 0)
      } catch {
        // It ended meanwhile.
        return 0
      }
    })
  return Math.round((Math.max(...most) * 1_024) / 1e6)
}
