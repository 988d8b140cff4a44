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
  consumer = await seatConsumer(market, 'consumer', '20')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
})
afterAll(() => market.destroy())
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.log(market.world.lastWords())
})

const download = (size: number) =>
  consumer.host.start(['curl', '-s', '--max-time', '60', '-o', '/dev/null', market.internet.fileUrl(size)])

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
