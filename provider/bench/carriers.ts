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
import { Downloads } from './throughput.js'

/** What a session carries by each carrier, its whole way on this machine: both ends, both WireGuards and who measures. */
export interface CarrierFigures {
  readonly udpMbit: number
  readonly wssDownMbit: number
  readonly wssUpMbit: number
  /** Median milliseconds of a ping through the tunnel while a download over `wss` runs. */
  readonly loadedLatencyMs: number
}

const secondsEach = 6
const runs = 3
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
    return { ...udp, ...wss }
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
