import type { Address, Hex } from '@pontage/shared'
import { type AccountRow, type ChannelRow, isDue, type TabRow } from './tables.js'

/** Channels and accounts kept at most; when there are more, all are forgotten and read again as they are needed. */
const mostKept = 100_000

/**
 * Rows as the last transaction of this process left them, so that the next need not read them. They count for as long
 * as the ledger's version is the one they were kept at, that is until another process changes something.
 */
export class Cache {
  #version = -1
  #blockAt = 0
  readonly #channels = new Map<Hex, ChannelRow>()
  readonly #accounts = new Map<Address, AccountRow>()
  /** Of each provider: no cleared money that is not drawn rests on a guarantee that ends before. */
  readonly #dueFrom = new Map<Address, number>()

  /** Forgets what no longer counts at this version and block time. */
  expect(version: number, blockAt: number): void {
    // After a reorganisation a guarantee may live again.
    if (version !== this.#version || blockAt < this.#blockAt) this.#forget()
    this.#version = version
    this.#blockAt = blockAt
  }

  channel(channelId: Hex): ChannelRow | undefined {
    const known = this.#channels.get(channelId)
    return known?.tabs.every(({ liveUntil }) => liveUntil >= this.#blockAt) ? known : undefined
  }

  account(provider: Address): AccountRow | undefined {
    return this.#accounts.get(provider)
  }

  /** When the first guarantee ends that cleared money of a provider rests on; undefined when that is not known. */
  dueFrom(provider: Address): number | undefined {
    return this.#dueFrom.get(provider)
  }

  keepDueFrom(provider: Address, expiresAt: number): void {
    this.#dueFrom.set(provider, expiresAt)
  }

  /** Keeps rows as they stand at the version the ledger now has. */
  keep(
    version: number,
    channels: Iterable<ChannelRow>,
    accounts: Iterable<AccountRow>,
    tabs: Iterable<readonly [ChannelRow, TabRow]>,
  ): void {
    this.#version = version
    for (const channel of channels) this.#channels.set(channel.channelId, channel)
    for (const account of accounts) this.#accounts.set(account.provider, account)
    for (const [channel, tab] of tabs) {
      const from = this.#dueFrom.get(tab.provider)
      if (from !== undefined && tab.expiresAt < from && isDue(channel, tab))
        this.#dueFrom.set(tab.provider, tab.expiresAt)
    }
    if (this.#channels.size > mostKept || this.#accounts.size > mostKept) this.#forget()
  }

  #forget(): void {
    this.#channels.clear()
    this.#accounts.clear()
    this.#dueFrom.clear()
  }
}
