import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createMarket,
  type Market,
  openHub,
  openProvider,
  type Person,
  runIntoCap,
  seatConsumer,
  sequence,
} from '../world/index.js'

let market: Market
let consumer: Person
let provider: Awaited<ReturnType<typeof openProvider>>

beforeAll(async () => {
  market = await createMarket()
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  provider = await openProvider(market, 'provider', {
    ...{ price: '0.05/GB', country: 'DE', hubs: [hub.address], beneficiary: market.deployer },
  })
  consumer = await seatConsumer(market, 'consumer', '10')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '5')
})
afterAll(() => market.destroy())

describe('a cap', () => {
  it('is never passed by a byte, and used up but for 100 kB', { timeout: 600_000 }, async () => {
    const seed = 20_261_123
    const random = sequence(seed)
    let least = Number.POSITIVE_INFINITY
    let most = 0
    for (let round = 0; round < 20; round++) {
      const cap = 1_000_000 + Math.floor(random.next().value * 5_000_000)
      const run = await runIntoCap(market, consumer, provider.host.address, cap)
      const told = `seed ${seed}, round ${round}: ${JSON.stringify(run)}`
      expect(run.counted, told).toBeLessThanOrEqual(cap)
      expect(run.delivered, told).toBeLessThanOrEqual(cap)
      expect(cap - run.counted, told).toBeLessThanOrEqual(100_000)
      least = Math.min(least, cap - run.delivered)
      most = Math.max(most, cap - run.counted)
    }
    console.log(
      `cap (seed ${seed}): by the server's count at least ${least} bytes under, by the consumer's at most ${most}`,
    )
  })
})
