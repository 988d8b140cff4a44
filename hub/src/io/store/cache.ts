import type { Address, Hex } from '@pontage/shared'
import { type AccountRow, type ChangedTab, type ChannelRow, isDue } from './tables.js'

/** Channels and accounts kept at most; when there are more, all are forgotten and read again as they are needed. */
const maxKept = 100_000

/** Where a ledger's history stands: how many transactions changed it, and which was the last. */
export interface Place {
  readonly writes: number
  readonly version: number
}

/**
 * Rows as the last transaction of this process left them, so that the next need not read them. They count for as long
 * as the ledger's version is the one they were kept at, that is until another process changes something.
 */
export class Cache {
  #place: Place = { writes: -1, version: -1 }
  #blockAt = 0
  /** Until that is noted on disk: a store that takes no note is as old as before. */
  #wentBack = false
  readonly #channels = new Map<Hex, ChannelRow>()
  readonly #accounts = new Map<Address, AccountRow>()
  /** Of each provider: no cleared money that is not drawn rests on a guarantee that ends before. */
  readonly #dueFrom = new Map<Address, number>()

  /**
   * Forgets what no longer counts at this place and block time.
   *
   * @returns Whether the ledger has gone back: it has seen fewer changes than it had, or others.
   */
  expect({ writes, version }: Place, blockAt: number): { wentBack: boolean } {
    const known = this.#place
    this.#wentBack ||= writes < known.writes || (writes === known.writes && version !== known.version)
    // After a reorganisation a guarantee may live again.
    if (version !== known.version || blockAt < this.#blockAt) this.#forget()
    this.#place = { writes, version }
    this.#blockAt = blockAt
    return { wentBack: this.#wentBack }
  }

  /** That the ledger has gone back is on disk. */
  setbackNoted(): void {
    this.#wentBack = false
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

  /** Keeps rows as they stand at the place the ledger has reached. */
  keep(
    { writes, version }: Place,
    channels: Iterable<ChannelRow>,
    accounts: Iterable<AccountRow>,
    tabs: Iterable<ChangedTab>,
  ): void {
    this.#place = { writes, version }
    for (const channel of channels) this.#channels.set(channel.channelId, channel)
    for (const account of accounts) this.#accounts.set(account.provider, account)
    for (const { channel, tab } of tabs) {
      const from = this.#dueFrom.get(tab.provider)
      if (from !== undefined && tab.expiresAt < from && isDue(channel, tab))
        this.#dueFrom.set(tab.provider, tab.expiresAt)
    }
    if (this.#channels.size > maxKept || this.#accounts.size > maxKept) this.#forget()
  }

  /**
   * Takes what was read outside of a transaction, where it is what the next one would find: else that reads it itself.
   * Forgets nothing to have room for it: a transaction that is under way may count on what is here.
   *
   * @param place - Where the ledger stood as this was read, and `blockAt` the time of its block then.
   */
  offer({ writes, version }: Place, blockAt: number, channels: ReadonlyMap<Hex, ChannelRow>): void {
    if (writes !== this.#place.writes || version !== this.#place.version || blockAt !== this.#blockAt) return
    if (this.#channels.size + channels.size > maxKept) return
    for (const [channelId, channel] of channels) this.#channels.set(channelId, channel)
  }

  #forget(): void {
    this.#channels.clear()
    this.#accounts.clear()
    this.#dueFrom.clear()
  }
}
