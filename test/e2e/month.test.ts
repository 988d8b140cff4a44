import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  logLines,
  type Market,
  openHub,
  openProvider,
  type Person,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// A calendar month (UTC) ends while a consumer is connected, on all clocks of the world at once.

let market: Market
let hubAddress: string
let consumer: Person
let monthEndsAt: number

beforeAll(async () => {
  const today = new Date()
  monthEndsAt = Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 1)
  const oneHour = 3_600_000
  market = await createMarket('dual', { aheadMs: monthEndsAt - Date.now() - oneHour })
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer, megabits: 80 },
  })
  hubAddress = hub.address
  consumer = await withChannel('consumer')
})
afterAll(() => market.destroy())
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.log(market.world.lastWords())
})

async function withChannel(name: string): Promise<Person> {
  const person = await seatConsumer(market, name, '20')
  await person.run('channel', 'open', '--hub', hubAddress, '--amount', '10')
  return person
}

const download = (size: number, { host } = consumer) =>
  host.start(['curl', '-s', '--max-time', '60', '-o', '/dev/null', market.internet.fileUrl(size)])

it('whose cap of a month is used up goes on in the next one, with that one’s', async () => {
  const cap = 6_000_000
  const program = endAfterFailure(consumer, consumer.start(['connect', '--json', '--cap', '6MB/month']))
  await logged(program, 'connected')
  const before = download(4_000_000)
  await before.succeeded()
  await eventually('what flowed is in the journal', async () => {
    const { downBytes } = logLines(program, ({ event }) => event === 'progress').at(-1) ?? {}
    return Number(downBytes) > 4_000_000
  })

  await market.skip(monthEndsAt - market.now() + 1_000)
  const across = download(50_000_000)
  const { reason } = await logged(program, 'failed-over')
  expect(reason).toBe('cap')
  await program.when(() => logLines(program, ({ event }) => event === 'connected').length === 2, 'a session')
  await across.stop('SIGKILL')
  const until = download(50_000_000)
  const ended = await logged(program, 'ended')
  await until.stop('SIGKILL')
  expect(ended.reason).toBe('cap')
  const flowed = Number(ended.downBytes) + Number(ended.upBytes)
  expect(flowed).toBeGreaterThan(4_000_000 + 0.9 * cap)
  expect(flowed).toBeLessThanOrEqual(2 * cap)
  expect((await program.ended).code).toBe(0)
  await consumer.run('disconnect')
})

it('whose clock is set on for a while has used what it used in the month that it is', async () => {
  const robbed = await withChannel('robbed')
  const cap = 6_000_000
  const start = () => endAfterFailure(robbed, robbed.start(['connect', '--json', '--cap', '6MB/month']))
  const first = start()
  await logged(first, 'connected')
  market.setClocks(40 * 86_400_000)
  await download(4_000_000, robbed).succeeded()
  await eventually('what flowed is in the journal', async () => {
    const { downBytes } = logLines(first, ({ event }) => event === 'progress').at(-1) ?? {}
    return Number(downBytes) > 4_000_000
  })
  market.setClocks(0)
  await first.stop('SIGINT')

  const second = start()
  await logged(second, 'connected')
  const rest = download(50_000_000, robbed)
  const ended = await logged(second, 'ended')
  await rest.stop('SIGKILL')
  expect(Number(ended.downBytes) + Number(ended.upBytes)).toBeLessThanOrEqual(cap - 4_000_000)
  await robbed.run('disconnect')
})
