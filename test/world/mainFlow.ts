import { type Address, address } from '@pontage/shared'
import { Wallet } from 'ethers'
import { logged } from './logLines.js'
import { eventually, type Market } from './market.js'
import { openHub, openProvider, type Person, seatConsumer } from './people.js'
import type { Program } from './program.js'

/** What became of the money, in the smallest unit of the token. */
export interface MoneyOfFlow {
  readonly deposit: bigint
  readonly spent: bigint
  readonly hubFee: bigint
  readonly redeemed: bigint
  readonly returned: bigint
  /** Status of the channel at the end. */
  readonly status: number
}

const price = '20/GB'
const downloadBytes = 5_000_000

/** What a story adds to the main flow. */
export interface Turns {
  /** Before the consumer opens its channel. */
  readonly opens?: (who: { consumer: Person; hub: Person }) => Promise<void>
  /** Before the provider first redeems. */
  readonly redeems?: (who: { beneficiary: Address; provider: Person }) => Promise<void>
  /** Once the channel is closed. */
  readonly closed?: (who: { consumer: Person; provider: Person & { program: Program } }) => Promise<void>
  /** Before the channel is closed. */
  readonly closes?: (consumer: Person) => Promise<void>
}

/** Everybody registers; the consumer opens a channel, downloads some megabytes, and closes it; the provider redeems. */
export async function playMainFlow(market: Market, turns: Turns = {}): Promise<MoneyOfFlow> {
  const { channels, token } = market.chain
  const beneficiary: Address = address(Wallet.createRandom().address)
  const hub = await openHub(market, 'hub', { pool: '100', drawAbove: '0.01' })
  const provider = await openProvider(market, 'provider', {
    ...{ price, country: 'DE', hubs: [hub.address], beneficiary, redeemAbove: '0.01', clearEvery: 2 },
  })
  await turns.redeems?.({ beneficiary, provider })
  const consumer = await seatConsumer(market, 'consumer', '20')
  await consumer.run('providers')
  await turns.opens?.({ consumer, hub })
  const { channelId } = await consumer.json<{ channelId: string }>(
    ...['channel', 'open', '--hub', hub.address, '--amount', '5'],
  )
  const connect = consumer.start(['connect', '--json'])
  await logged(connect, 'connected', {}, 60_000)
  const fetched = ['curl', '-sS', '--fail', '--max-time', '60', '-o', '/dev/null']
  await consumer.host.run([...fetched, market.internet.fileUrl(downloadBytes)], { timeoutMs: 70_000 })
  await connect.stop('SIGINT')
  const ended = await logged(connect, 'ended')
  const spent = BigInt(String(ended.spent))
  const fees = async () => {
    const drawn = await channels.queryFilter(channels.filters.Drawn(channelId, provider.address), 0)
    const sum = (of: 'amount' | 'fee') => drawn.reduce((total, { args }) => total + args[of], 0n)
    return sum('amount') === spent && sum('fee')
  }
  const hubFee = await eventually('the hub drew all that was spent', fees, 90_000)
  const redeemed = await eventually(
    'the provider redeemed it',
    async () => {
      const arrived =
        (await token.balanceOf(beneficiary)) + (await channels.withheldOf(provider.address)).amount
      return arrived === spent - hubFee && arrived
    },
    90_000,
  )
  await turns.closes?.(consumer)
  const before = await token.balanceOf(consumer.address)
  const { balance } = await channels.channelOf(channelId)
  await consumer.run('channel', 'close')
  const { amount: kept } = await channels.withheldOf(consumer.address)
  const returned = (await token.balanceOf(consumer.address)) - before + kept
  const { status } = await channels.channelOf(channelId)
  await turns.closed?.({ consumer, provider })
  await provider.program.stop()
  await hub.program.stop()
  return { deposit: balance + spent, spent, hubFee, redeemed, returned, status: Number(status) }
}
