import { type ChannelParties, wholeStake } from '../documents.js'
import { type Address, type UnixSeconds, type Wei, wei } from '../units.js'

/** Limits a deployment fixes for ever; delays in seconds. */
export interface MoneySettings {
  readonly maxGuarantee: number
  readonly protestWindow: number
  readonly exitDelay: number
  readonly withdrawalDelay: number
  readonly feeNotice: number
  readonly unbonding: number
  readonly feeCapBps: number
  readonly defaultFeeBps: number
  readonly minimumStakes: { readonly consumer: Wei; readonly provider: Wei; readonly hub: Wei }
}

export interface Identity {
  readonly roles: number
  readonly stake: Wei
  /** On its way out, still at stake. */
  readonly unbonding: Wei
  readonly unbondsAt: number
  readonly faults: number
  readonly beneficiary: Address | undefined
}

export interface Channel {
  readonly parties: ChannelParties
  readonly open: boolean
  readonly balance: Wei
  /** Zero while its consumer stays. */
  readonly exitAt: number
  /** Whom the consumer promised a fee for carrying its exit request. */
  readonly relay: { readonly relayer: Address; readonly fee: Wei } | undefined
}

/**
 * What one channel holds for one provider. All amounts are running totals of micro-promises. What somebody failed
 * to pay is kept as the total owed, so what is missing is always `owed − drawn`: it can be set, never added to.
 */
export interface Tab {
  readonly drawn: Wei
  readonly releasedUpTo: number
  /** The promise under protest; zero with `protestEndsAt` when there is none. */
  readonly protested: Wei
  readonly protestEndsAt: number
  readonly owedByConsumer: Wei
  readonly owedByHub: Wei
}

/** What a hub and a provider have settled: C, D, and the largest hub promise that could not be paid. */
export interface Account {
  readonly credited: Wei
  readonly paid: Wei
  readonly promised: Wei
}

export interface Hub {
  readonly pool: Wei
  readonly pendingWithdrawal: Wei
  readonly withdrawableAt: number
  /** Undefined until the hub announces one: then the deployment's default holds. */
  readonly feeBps: number | undefined
  readonly raise: { readonly feeBps: number; readonly at: number } | undefined
}

/** All the money of one deployment and all that decides where it goes. Immutable to who holds one. */
export interface Money {
  readonly settings: MoneySettings
  readonly now: UnixSeconds
  readonly wallets: ReadonlyMap<Address, Wei>
  readonly identities: ReadonlyMap<Address, Identity>
  readonly channels: ReadonlyMap<string, Channel>
  readonly tabs: ReadonlyMap<string, ReadonlyMap<Address, Tab>>
  readonly accounts: ReadonlyMap<Address, ReadonlyMap<Address, Account>>
  readonly hubs: ReadonlyMap<Address, Hub>
  /** Stake that was burned: it lies with the stakes for ever, and belongs to nobody. */
  readonly burned: Wei
}

/** The largest amount the chain keeps: its fields have 128 bits. */
export const largestAmount = 2n ** 128n - 1n

/** Asked to unbond so much, an identity unbonds everything. */
export const everything = wei(wholeStake)

const zero = wei(0n)

/** A deployment in which nothing happened yet. */
export function mint(settings: MoneySettings, now: UnixSeconds, wallets: Iterable<[Address, Wei]>): Money {
  return {
    settings,
    now,
    wallets: new Map(wallets),
    identities: new Map(),
    channels: new Map(),
    tabs: new Map(),
    accounts: new Map(),
    hubs: new Map(),
    burned: zero,
  }
}

/** What stands for the channel's id in this model, which knows no hashes. */
export const channelKey = ({ consumer, hub, nonce }: ChannelParties): string => `${consumer}/${hub}/${nonce}`

const stranger: Identity = {
  roles: 0,
  stake: zero,
  unbonding: zero,
  unbondsAt: 0,
  faults: 0,
  beneficiary: undefined,
}
const emptyTab: Tab = {
  drawn: zero,
  releasedUpTo: 0,
  protested: zero,
  protestEndsAt: 0,
  owedByConsumer: zero,
  owedByHub: zero,
}
const emptyAccount: Account = { credited: zero, paid: zero, promised: zero }
const emptyHub: Hub = {
  pool: zero,
  pendingWithdrawal: zero,
  withdrawableAt: 0,
  feeBps: undefined,
  raise: undefined,
}

export const walletOf = (money: Money, owner: Address): Wei => money.wallets.get(owner) ?? zero
export const identityOf = (money: Money, identity: Address): Identity =>
  money.identities.get(identity) ?? stranger
export const channelOf = (money: Money, parties: ChannelParties): Channel | undefined =>
  money.channels.get(channelKey(parties))
export const tabOf = (money: Money, parties: ChannelParties, provider: Address): Tab =>
  money.tabs.get(channelKey(parties))?.get(provider) ?? emptyTab
export const accountOf = (money: Money, hub: Address, provider: Address): Account =>
  money.accounts.get(hub)?.get(provider) ?? emptyAccount
export const hubOf = (money: Money, hub: Address): Hub => money.hubs.get(hub) ?? emptyHub
