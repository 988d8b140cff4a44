import { type Address, address } from '@pontage/shared'
import { JsonRpcProvider } from 'ethers'
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

const beneficiary: Address = address(`0x${'b2'.repeat(20)}`)
let market: Market
let rpc: JsonRpcProvider
let hub: Person
let provider: Person & { program: Program }
let consumer: Person

beforeAll(async () => {
  market = await createMarket()
  rpc = new JsonRpcProvider(market.testChain.rpcUrl)
  hub = await openDishonestHub(market, 'hub', { pool: '50', hides: 'half' })
  provider = await openProvider(market, 'provider', {
    ...{
      price: '20/GB',
      country: 'DE',
      hubs: [hub.address],
      beneficiary,
      megabits: 200,
      redeemAbove: '100',
      clearEvery: 5,
    },
  })
  consumer = await seatConsumer(market, 'consumer', '20')
})
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(async () => {
  rpc?.destroy()
  await market?.destroy()
})

const distrusts = () =>
  provider.program.lines('stderr').find((line) => line.includes('the hub is not relied on any more'))
/** Publications that the provider looked at and found nothing wrong with. */
const believed = () =>
  provider.program.lines('stderr').filter((line) => line.includes('the hub shows what it owes us')).length

describe('a provider whose hub publishes less than it owes', () => {
  it('finds out by itself, draws what it holds, and serves nobody through that hub', async () => {
    const { channels } = market.chain
    await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
    const connect = consumer.start(['connect', '--json'])
    await logged(connect, 'connected', {}, 60_000)
    await consumer.host.run(['curl', '-sS', '--fail', '-o', '/dev/null', market.internet.fileUrl(3_500_000)])
    connect.signal('SIGINT')
    await logged(connect, 'ended')
    await logged(provider.program, 'cleared', { hub: hub.address }, 60_000)
    expect(await channels.queryFilter(channels.filters.Drawn(undefined, provider.address), 0)).toEqual([])

    // What was promised within the last minute of the chain's clock is not held against a hub.
    for (let minutes = 0; distrusts() === undefined && minutes < 10; minutes++) {
      const before = believed()
      await rpc.send('evm_increaseTime', [70])
      await rpc.send('anvil_mine', ['0x1'])
      await eventually(
        'the provider looks at another publication',
        async () => distrusts() !== undefined || believed() > before,
        60_000,
      )
    }
    expect(distrusts()).toMatch(/it counts only \d+ wei of the \d+ wei it promised/)
    await eventually('the provider drew the session', async () => {
      const drawn = await channels.queryFilter(channels.filters.Drawn(undefined, provider.address), 0)
      return drawn.length > 0
    })
    const attempt = consumer.start(['connect', '--json'])
    expect((await attempt.ended).code).toBe(1)
    expect(attempt.lines('stderr').join('\n')).toMatch(/is not trusted/)
    const { hubs } = await provider.json<{ hubs: { hub: string; distrusted: string | null }[] }>('status')
    expect(hubs).toMatchObject([{ hub: hub.address, distrusted: expect.stringContaining('it counts') }])
  })
})
