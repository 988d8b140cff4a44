import { type Address, address, concludeArguments, finalState, type Hex } from '@pontage/shared'
import { createTypedData, signChannelState } from '@pontage/shared/node'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  createMarket,
  eventually,
  keyOf,
  logged,
  type Market,
  openDishonestHub,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'

// What a hub can take that cheats: by promising less than it took, by saying nothing, and together with a consumer of
// its own, whose channel it closes behind the provider's back after it gave its own stake away.

const beneficiary: Address = address(`0x${'b7'.repeat(20)}`)
const price = 20_000_000_000_000_000n
const exposure = '0.4'
let market: Market
let short: Person & { program: Program }
let thief: Person & { program: Program }
let provider: Person & { program: Program }

beforeAll(async () => {
  market = await createMarket()
  const opened = await Promise.all([
    openDishonestHub(market, 'short', { pool: '10', hides: 'totals' }),
    openHub(market, 'thief', { pool: '1', drawAbove: '1000' }),
  ])
  ;[short, thief] = opened
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [short.address, thief.address], beneficiary, megabits: 40 },
    ...{ redeemAbove: '0.01', clearEvery: 4, flags: ['--exposure', exposure] },
  })
}, 300_000)
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(() => market.destroy())

async function connected(name: string, hub: Person): Promise<{ consumer: Person; session: Program }> {
  const consumer = await seatConsumer(market, name, '20')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
  const session = consumer.start(['connect', '--json', '--retry-for', '1'])
  await logged(session, 'connected', {}, 60_000)
  return { consumer, session }
}

const download = (consumer: Person, size: number) =>
  consumer.host.start([
    ...['curl', '-sS', '--fail', '--max-time', '200', '-o', '/dev/null'],
    market.internet.fileUrl(size),
  ]).ended

interface Books {
  readonly hubs: readonly { readonly hub: string; readonly promised: string; readonly drawn: string }[]
}

/** What the provider's store has of one hub: promised by consumers, and drawn on chain. */
async function books(hub: Person): Promise<{ promised: bigint; drawn: bigint }> {
  const { hubs } = await provider.json<Books>('status')
  const row = hubs.find((each) => each.hub === hub.address)
  return { promised: BigInt(row?.promised ?? 0), drawn: BigInt(row?.drawn ?? 0) }
}

describe('a malicious hub', { timeout: 300_000 }, () => {
  it('that promises less than it took loses its provider, and the provider nothing', async () => {
    const { consumer, session } = await connected('first', short)
    // Whether it gets all of it depends on how soon the provider finds out and ends the session.
    await Promise.race([download(consumer, 4_000_000), session.ended])
    await logged(provider.program, 'the hub is not relied on any more', { hub: short.address }, 60_000)
    await session.ended
    await eventually(
      'everything was drawn and paid out',
      async () => {
        const { promised, drawn } = await books(short)
        const paid = await market.chain.token.balanceOf(beneficiary)
        return promised > 0n && drawn === promised && paid === (promised * 98n) / 100n
      },
      60_000,
    )
    const { promised, drawn } = await books(short)
    console.log(`promised ${promised} wei, lost by under-totalling: ${promised - drawn}`)
  })

  it('that says nothing, gives its stake to a friend and closes its own consumer’s channel takes no more than the exposure', async () => {
    const { consumer, session } = await connected('second', thief)
    thief.program.signal('SIGSTOP')
    // Three times the limit: the provider has to draw on the way.
    expect((await download(consumer, 60_000_000)).code).toBe(0)
    await steal(consumer)
    await logged(provider.program, 'a channel ends', { kind: 'closed' }, 60_000)
    await session.ended
    await eventually(
      'the provider has tried what could be done',
      async () => {
        const { channels } = market.chain
        return (await channels.queryFilter(channels.filters.MissingSet(thief.address), 0)).length > 0
      },
      60_000,
    )
    const { promised, drawn } = await books(thief)
    const loss = promised - drawn
    console.log(
      `promised ${promised} wei, drawn ${drawn}, lost ${loss} wei; exposure limit ${exposure} tokens`,
    )
    // A promise that is on its way when the limit is reached is taken, and no traffic for it: the credit at most.
    expect(loss).toBeLessThanOrEqual(market.tokens(exposure) + 3n * price)
    expect(drawn).toBeGreaterThan(0n)
    thief.program.signal('SIGCONT')
  })

  /** In one block: the hub's pool and stake go to a friend, and the channel is concluded without the provider. */
  async function steal(consumer: Person): Promise<void> {
    const { chain, testChain, deployment } = market
    const [hubKey, consumerKey] = await Promise.all([keyOf(thief, 'hub'), keyOf(consumer, 'consumer')])
    const typedData = createTypedData(deployment)
    const friend = address(new Wallet(testChain.keys[3] ?? '').address)
    const total = market.tokens('5000')
    const signature = typedData.sign(
      'HubPromise',
      { hub: thief.address, provider: friend, total },
      hubKey.privateKey,
    )
    const {
      channels: [status],
    } = await consumer.json<{ channels: { channelId: Hex; nonce: number }[] }>('channel', 'status')
    if (!status) throw new Error('The consumer has no channel.')
    const parties = { consumer: consumer.address, hub: thief.address, nonce: await nonceOf(status.channelId) }
    const state = finalState(deployment, parties, { totals: [], releases: [] })
    const signatures = {
      consumer: await signChannelState(state, consumerKey.privateKey),
      hub: await signChannelState(state, hubKey.privateKey),
    }
    const wallet = new Wallet(testChain.keys[3] ?? '', chain.rpc)
    const gasLimit = 1_000_000n
    const first = await wallet.getNonce()
    const redeem = await chain.channels.redeem.populateTransaction({
      hub: thief.address,
      provider: friend,
      total,
      signature,
    })
    const conclude = await chain.channels.conclude.populateTransaction(
      ...concludeArguments(state, [], signatures),
    )
    await chain.rpc.send('evm_setAutomine', [false])
    await chain.rpc.send('evm_setIntervalMining', [0])
    try {
      await wallet.sendTransaction({ ...redeem, gasLimit, nonce: first })
      await wallet.sendTransaction({ ...conclude, gasLimit, nonce: first + 1 })
      await chain.rpc.send('evm_mine', [])
    } finally {
      await chain.rpc.send('evm_setAutomine', [true])
      await chain.rpc.send('evm_setIntervalMining', [1])
    }
  }

  async function nonceOf(channelId: Hex): Promise<number> {
    const { channels } = market.chain
    const [opened] = await channels.queryFilter(channels.filters.ChannelOpened(channelId), 0)
    return Number(opened?.args.nonce)
  }
})
