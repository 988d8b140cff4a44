import { type Address, address } from '@pontage/shared'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  createMarket,
  eventually,
  logged,
  type Market,
  openDishonestHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

const beneficiary: Address = address(`0x${'b1'.repeat(20)}`)
let market: Market
let hub: Person
let provider: Person & { program: Program }
let consumer: Person

beforeAll(async () => {
  market = await createMarket()
  hub = await openDishonestHub(market, 'hub', { pool: '0.01' })
  provider = await openProvider(market, 'provider', {
    ...{
      price: '20/GB',
      country: 'DE',
      hubs: [hub.address],
      beneficiary,
      megabits: 200,
      redeemAbove: '0.05',
      clearEvery: 5,
    },
  })
  consumer = await seatConsumer(market, 'consumer', '20')
})
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(() => market.destroy())

async function session(bytes: number): Promise<bigint> {
  const connect = consumer.start(['connect', '--json'])
  await logged(connect, 'connected', {}, 60_000)
  await consumer.host.run(['curl', '-sS', '--fail', '-o', '/dev/null', market.internet.fileUrl(bytes)])
  connect.signal('SIGINT')
  const ended = await logged(connect, 'ended')
  expect((await connect.ended).code).toBe(0)
  return BigInt(String(ended.spent))
}

describe('a provider whose hub promised more than it has', () => {
  it('is paid in full from the stake of that hub, which loses twice what was short', async () => {
    const { registry, token } = market.chain
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
    const stake = (await registry.standingOf(hub.address)).stake
    const spent = await session(5_500_000)
    await logged(provider.program, 'redeemed', { hub: hub.address }, 60_000)
    const owed = (spent * 98n) / 100n
    expect(await token.balanceOf(beneficiary)).toBe(owed)
    const standing = await registry.standingOf(hub.address)
    // All of the pool went first: only what it lacked was slashed, and as much burned.
    expect(stake - standing.stake).toBe(2n * (owed - market.tokens('0.01')))
    expect(standing.faults).toBe(1n)
  })

  it('draws the promises itself from then on, and serves nobody through that hub again', async () => {
    const { channels } = market.chain
    await eventually('the provider drew the session', async () => {
      const drawn = await channels.queryFilter(channels.filters.Drawn(undefined, provider.address), 0)
      return drawn.length > 0
    })
    const attempt = consumer.start(['connect', '--json'])
    expect((await attempt.ended).code).toBe(1)
    expect(attempt.lines('stderr').join('\n')).toMatch(/hub/i)
  })
})
