import { type ChannelParties, roles } from '../documents.js'
import { type Address, type Wei, wei } from '../units.js'
import {
  type Account,
  accountOf,
  channelKey,
  hubOf,
  identityOf,
  type Money,
  type Tab,
  tabOf,
} from './state.js'

/** `max(0, a − b)`. */
export const above = (a: bigint, b: bigint): Wei => wei(a > b ? a - b : 0n)
export const least = (a: bigint, b: bigint): Wei => wei(a < b ? a : b)
export const most = (a: bigint, b: bigint): Wei => wei(a > b ? a : b)

/** What a settled protest lacks. */
export const missingByConsumer = (tab: Tab): Wei => above(tab.owedByConsumer, tab.drawn)
/** What a guaranteed draw lacks. */
export const missingByHub = (tab: Tab): Wei => above(tab.owedByHub, tab.drawn)
/** What redemptions lack. */
export const missingOf = (account: Account): Wei => above(account.promised, account.paid)
/** What is drawn and not paid out: it waits for the provider, out of everybody's reach. */
export const waitingIn = (account: Account): Wei => above(account.credited, account.paid)
/** What the hub paid before it had drawn: its own again once the promises behind it are drawn. */
export const advancedOn = (account: Account): Wei => above(account.paid, account.credited)

const sum = (amounts: Iterable<bigint>): Wei => {
  let total = 0n
  for (const amount of amounts) total += amount
  return wei(total)
}

/** What guaranteed draws through one hub lack for one provider, over all channels. */
export function guaranteedMissing(money: Money, hub: Address, provider: Address): Wei {
  const channels = [...money.channels.values(), ...unopened(money)].filter(
    ({ parties }) => parties.hub === hub,
  )
  return sum(channels.map(({ parties }) => missingByHub(tabOf(money, parties, provider))))
}

/** Channels that were guaranteed and drawn on, though nobody ever opened them. */
function unopened(money: Money): { parties: ChannelParties }[] {
  return [...money.tabs.keys()]
    .filter((key) => !money.channels.has(key))
    .map((key) => {
      const [consumer, hub, nonce] = key.split('/') as [Address, Address, string]
      return { parties: { consumer, hub, nonce: Number(nonce) } }
    })
}

/**
 * What a hub owes one provider and did not pay. A hub promise and a guarantee may speak of the same micro-promises:
 * the larger counts, not the sum.
 */
export const hubClaim = (money: Money, hub: Address, provider: Address): Wei =>
  most(missingOf(accountOf(money, hub, provider)), guaranteedMissing(money, hub, provider))

/** All that an identity owes and did not pay: as a consumer on its channels, as a hub to its providers. */
export function debtOf(money: Money, identity: Address): Wei {
  const asConsumer = [...money.tabs]
    .filter(([key]) => key.startsWith(`${identity}/`))
    .flatMap(([, tabs]) => [...tabs.values()].map(missingByConsumer))
  const providers = new Set([
    ...(money.accounts.get(identity)?.keys() ?? []),
    ...[...money.tabs].flatMap(([key, tabs]) => (key.split('/')[1] === identity ? [...tabs.keys()] : [])),
  ])
  const asHub = [...providers].map((provider) => hubClaim(money, identity, provider))
  return sum([...asConsumer, ...asHub])
}

/** Stake needed for these roles: that of the dearest. */
export function minimumStake(money: Money, held: number): Wei {
  const minimums = money.settings.minimumStakes
  const needed = (Object.keys(roles) as (keyof typeof roles)[]).filter((role) => held & roles[role])
  return needed.reduce((highest, role) => most(highest, minimums[role]), wei(0n))
}

/** Whether an identity may take part: in this role, with stake enough, owing nobody. */
export function isActive(money: Money, identity: Address, role: number): boolean {
  const known = identityOf(money, identity)
  const inRole = (known.roles & role) === role && known.stake >= minimumStake(money, role)
  return inRole && debtOf(money, identity) === 0n
}

/** What a hub asked to take out and may still take: a request lapses one delay after it came due. */
export function pendingOf(money: Money, hub: Address): { amount: Wei; withdrawableAt: number } {
  const { pendingWithdrawal: amount, withdrawableAt } = hubOf(money, hub)
  const lapsed = money.now > withdrawableAt + money.settings.withdrawalDelay
  return lapsed ? { amount: wei(0n), withdrawableAt: 0 } : { amount, withdrawableAt }
}

/** The fee a hub takes now, in 1/10,000. */
export function feeOf(money: Money, hub: Address): number {
  const { feeBps, raise } = hubOf(money, hub)
  if (raise && money.now >= raise.at) return raise.feeBps
  return feeBps ?? money.settings.defaultFeeBps
}

/** Protests on a channel whose window has not been settled. */
export const openProtests = (money: Money, parties: ChannelParties): number =>
  [...(money.tabs.get(channelKey(parties))?.values() ?? [])].filter((tab) => tab.protestEndsAt > 0).length

/** Tokens in the contract of the channels: Σ balances + Σ pools + Σ max(0, C − D). */
export function heldByChannels(money: Money): Wei {
  return sum([
    ...[...money.channels.values()].map((channel) => channel.balance),
    ...[...money.hubs.values()].map((hub) => hub.pool),
    ...[...money.accounts.values()].flatMap((accounts) => [...accounts.values()].map(waitingIn)),
  ])
}

/** Tokens in the contract of the stakes. */
export const heldByRegistry = (money: Money): Wei =>
  sum([...[...money.identities.values()].map(({ stake, unbonding }) => stake + unbonding), money.burned])

/** Every token there is, wherever it rests: no operation changes it. */
export const supply = (money: Money): Wei =>
  sum([...money.wallets.values(), heldByChannels(money), heldByRegistry(money)])
