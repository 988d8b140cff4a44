import { PaymentChannels__factory } from '@pontage/channel-contracts'
import { type Address, address, roles } from '@pontage/shared'
import type { Interface } from 'ethers'
import type { Market } from '../world/index.js'

/** Where all tokens are, and whether that is all of them. */
export interface Books {
  /** Whether every token is accounted for, to the smallest unit. */
  readonly conserved: boolean
  readonly supply: bigint
  /** What is at wallets, in stakes, in channels, pools and accounts, and burned; each with its name. */
  readonly places: readonly { readonly name: string; readonly amount: bigint }[]
}

/**
 * Counts every token twice over. All wallets that ever received one add up to the supply; and the two contracts that
 * hold tokens hold exactly what their own books say: stakes here, channels, pools and unpaid accounts there.
 *
 * @param names - Who is who; a wallet without a name breaks the check.
 */
export async function countTokens(market: Market, names: ReadonlyMap<Address, string>): Promise<Books> {
  const { chain, deployment } = market
  const known = new Map<Address, string>([
    ...names,
    [deployment.registry, 'registry (stakes)'],
    [deployment.channels, 'channels, pools, accounts'],
  ])
  const transfers = await chain.token.queryFilter(chain.token.filters.Transfer(), 0)
  const holders = new Set(transfers.map((transfer) => address(transfer.args.to)))
  const places: { name: string; amount: bigint }[] = []
  let strangers = 0n
  for (const holder of holders) {
    const amount = await chain.token.balanceOf(holder)
    const name = known.get(holder)
    if (name === undefined) strangers += amount
    places.push({ name: name ?? `unknown ${holder}`, amount })
  }
  // What is burned stays with the stakes for ever, and belongs to nobody.
  const burned = await chain.registry.burned()
  const registry = places.find(({ name }) => name === 'registry (stakes)')
  if (registry) registry.amount -= burned
  places.push({ name: 'burned', amount: burned })
  const supply = await chain.token.totalSupply()
  const total = places.reduce((sum, { amount }) => sum + amount, 0n)
  const held = (name: string) => places.find((place) => place.name === name)?.amount ?? 0n
  const conserved =
    strangers === 0n &&
    total === supply &&
    held('registry (stakes)') === (await stakes(market)) &&
    held('channels, pools, accounts') === (await inChannels(market))
  return { conserved, supply, places }
}

/** Σ stakes, those on their way out included. */
async function stakes({ chain }: Market): Promise<bigint> {
  const identities = await registered(chain.registry)
  const standings = await chain.registry.standingsOf(identities)
  return standings.reduce((sum, { stake, unbonding }) => sum + stake + unbonding, 0n)
}

async function registered(registry: Market['chain']['registry']): Promise<Address[]> {
  const events = await registry.queryFilter(registry.filters.Registered(), 0)
  return [...new Set(events.map((event) => address(event.args.identity)))]
}

/** Σ channel balances + Σ pools + Σ max(0, credited − paid) of every hub with every provider. */
async function inChannels({ chain }: Market): Promise<bigint> {
  const { channels, registry } = chain
  const opened = await channels.queryFilter(channels.filters.ChannelOpened(), 0)
  let sum = 0n
  for (const { args } of opened) sum += (await channels.channelOf(args.channelId)).balance
  const identities = await registered(registry)
  const standings = await registry.standingsOf(identities)
  const withRole = (role: number) =>
    identities.filter((_, index) => (Number(standings[index]?.roles) & role) !== 0)
  for (const hub of withRole(roles.hub)) {
    sum += (await channels.hubOf(hub)).pool
    for (const provider of withRole(roles.provider)) {
      const { credited, paid } = await channels.accountOf(hub, provider)
      if (credited > paid) sum += credited - paid
    }
  }
  return sum
}

/** Gas of every transaction so far, by what it did and for whom: `redeem (provider-a)`; a second one ` #2`. */
export async function gasBySteps(
  market: Market,
  names: ReadonlyMap<Address, string>,
): Promise<Record<string, number>> {
  const { chain, deployment } = market
  const contracts = new Map<Address, Interface>([
    [deployment.token, chain.token.interface],
    [deployment.registry, chain.registry.interface],
    [deployment.channels, PaymentChannels__factory.createInterface()],
    [deployment.marketplace, chain.marketplace.interface],
  ])
  const created = new Map([
    [deployment.token, 'token'],
    [deployment.registry, 'registry'],
    [deployment.channels, 'channels'],
    [deployment.marketplace, 'marketplace'],
  ])
  const gas: Record<string, number> = {}
  const { number: head } = await chain.head()
  for (let number = 0; number <= head; number += 1) {
    const block = await chain.rpc.getBlock(number, true)
    for (const transaction of block?.prefetchedTransactions ?? []) {
      const receipt = await chain.rpc.getTransactionReceipt(transaction.hash)
      const to = transaction.to === null ? undefined : address(transaction.to)
      const call = to && contracts.get(to)?.parseTransaction({ data: transaction.data })?.name
      const who = names.get(address(transaction.from)) ?? transaction.from
      const step =
        to === undefined
          ? `deploy ${created.get(address(receipt?.contractAddress ?? '')) ?? 'contract'}`
          : `${call ?? 'send coin'} (${who})`
      let key = step
      for (let repeat = 2; key in gas; repeat += 1) key = `${step} #${repeat}`
      gas[key] = Number(receipt?.gasUsed ?? 0n)
    }
  }
  return gas
}
