import { type Address, formatTokens, netOf, wei } from '@pontage/shared'
import { eventually, logged, type Market, type Person, type Program } from '../world/index.js'
import type { Telling } from './telling.js'

type Running = Person & { readonly program: Program }

/** What became of the money of an honest session. */
export interface Settled {
  readonly bytesProvider: number
  readonly hubFee: bigint
  readonly redeemed: bigint
  readonly returned: bigint
}

/** Provider clears and redeems, hub draws, consumer and hub conclude the channel: each seen on the chain. */
export async function settle(
  market: Market,
  who: {
    readonly hub: Running
    readonly provider: Running
    readonly consumer: Person
    readonly beneficiary: Address
  },
  spent: bigint,
  channelId: string,
  tell: Telling,
): Promise<Settled> {
  const { hub, provider, consumer, beneficiary } = who
  const { channels, token } = market.chain
  const tokens = (amount: bigint) =>
    `${formatTokens(amount, market.chain.tokenDecimals)} ${market.chain.tokenSymbol}`

  tell.chapter('The provider clears with the hub and redeems')
  const ended = await logged(provider.program, 'session ended')
  await logged(provider.program, 'redeemed', { hub: hub.address }, 60_000)
  const redeemed = await token.balanceOf(beneficiary)
  const feeBps = Number(await channels.feeOf(hub.address))
  tell.check(
    `${tokens(redeemed)} arrived at the beneficiary: what was spent, less the hub’s fee`,
    redeemed === netOf(wei(spent), feeBps),
  )

  tell.chapter('The hub draws what it advanced from the consumer’s channel')
  const hubFee = await eventually(
    'the hub drew all that was spent',
    async () => {
      const drawn = await channels.queryFilter(channels.filters.Drawn(channelId, provider.address), 0)
      const amount = drawn.reduce((sum, { args }) => sum + args.amount, 0n)
      return amount === spent && drawn.reduce((sum, { args }) => sum + args.fee, 0n)
    },
    60_000,
  )
  tell.say(`${tokens(spent)} was drawn; ${tokens(hubFee)} of it is the hub’s fee.`)
  tell.check(
    'what the hub keeps and what the provider got add up to what the consumer spent',
    hubFee + redeemed === spent,
  )

  tell.chapter('Consumer and hub close the channel: pontage channel close')
  const before = await token.balanceOf(consumer.address)
  const { balance } = await channels.channelOf(channelId)
  await consumer.json('channel', 'close')
  const returned = (await token.balanceOf(consumer.address)) - before
  const { status } = await channels.channelOf(channelId)
  tell.check(
    `${tokens(returned)}, everything that was left, was returned to the consumer`,
    returned === balance && returned > 0n,
  )
  tell.check('the channel is closed for good', Number(status) === 2)
  return {
    bytesProvider: Number(ended.downBytes) + Number(ended.upBytes),
    hubFee,
    redeemed,
    returned,
  }
}
