import type { ChannelParties } from '../documents.js'
import { type Address, wei } from '../units.js'
import {
  type Account,
  accountOf,
  type Channel,
  channelKey,
  type Hub,
  hubOf,
  type Identity,
  identityOf,
  type Money,
  type Tab,
  tabOf,
  walletOf,
} from './state.js'

/**
 * A copy of the money while one operation works on it. Entries are replaced, never changed, so what the operation
 * began with stays as it was, and a refused one leaves nothing behind.
 */
export class Draft {
  money: Money

  constructor(before: Money) {
    this.money = before
  }

  identity(identity: Address, change: Partial<Identity>): void {
    const known = { ...identityOf(this.money, identity), ...change }
    this.#replace({ identities: withEntry(this.money.identities, identity, known) })
  }

  channel(channel: Channel): void {
    this.#replace({ channels: withEntry(this.money.channels, channelKey(channel.parties), channel) })
  }

  tab(parties: ChannelParties, provider: Address, change: Partial<Tab>): void {
    const key = channelKey(parties)
    const tab = { ...tabOf(this.money, parties, provider), ...change }
    const tabs = withEntry(this.money.tabs.get(key) ?? new Map(), provider, tab)
    this.#replace({ tabs: withEntry(this.money.tabs, key, tabs) })
  }

  account(hub: Address, provider: Address, change: Partial<Account>): void {
    const account = { ...accountOf(this.money, hub, provider), ...change }
    const accounts = withEntry(this.money.accounts.get(hub) ?? new Map(), provider, account)
    this.#replace({ accounts: withEntry(this.money.accounts, hub, accounts) })
  }

  hub(hub: Address, change: Partial<Hub>): void {
    this.#replace({ hubs: withEntry(this.money.hubs, hub, { ...hubOf(this.money, hub), ...change }) })
  }

  /** Moves `amount` into a wallet, or out of it when negative. @throws RangeError below zero. */
  wallet(owner: Address, amount: bigint): void {
    const balance = wei(walletOf(this.money, owner) + amount)
    this.#replace({ wallets: withEntry(this.money.wallets, owner, balance) })
  }

  /** Puts tokens where nobody ever takes them from. */
  burn(amount: bigint): void {
    this.#replace({ burned: wei(this.money.burned + amount) })
  }

  #replace(change: Partial<Money>): void {
    this.money = { ...this.money, ...change }
  }
}

const withEntry = <Key, Value>(map: ReadonlyMap<Key, Value>, key: Key, value: Value): Map<Key, Value> =>
  new Map(map).set(key, value)
