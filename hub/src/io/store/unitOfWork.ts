import { randomInt } from 'node:crypto'
import { type Address, type Hex, type Signed, wei } from '@pontage/shared'
import type { ClearingRows } from '../../core/clearing.js'
import type { Cursor, HubStanding } from '../ledger.js'
import type { Cache } from './cache.js'
import type { Ask, Row, Statement, Value } from './engine.js'
import { amountText, hexOf } from './rows.js'
import {
  type AccountRow,
  type ChangedTab,
  type ChannelRow,
  collateralOf,
  covered,
  newAccount,
  newTab,
  owedTo,
  type Sums,
  sumsFrom,
  type TabRow,
  undrawnOf,
  urgentOf,
} from './tables.js'
import {
  guaranteeFrom,
  insertGuarantees,
  pruneCovered,
  rowWrites,
  settleClosing,
  sumsWrite,
} from './writes.js'

/** `randomInt` goes no further. */
const maxVersion = 2 ** 48 - 1

/**
 * The rows that a group of orders works on, in memory: each order finds them as the one before left them, and all of
 * them are written together. What one order changed can be undone without touching the others.
 */
export class UnitOfWork implements ClearingRows {
  readonly #channels: Map<Hex, ChannelRow>
  readonly #accounts: Map<Address, AccountRow>
  readonly #onDisk: ReadonlySet<Address>
  readonly #guarantees: Map<Hex, Signed<'Guarantee'>>
  readonly #isLocked: boolean
  #sums: Sums
  /** Of each channel with tabs that were changed: how it was on disk, and whose tabs these are. */
  readonly #touchedTabs = new Map<Hex, { readonly before: ChannelRow; readonly providers: Set<Address> }>()
  readonly #touchedChannels = new Set<Hex>()
  readonly #touchedAccounts = new Set<Address>()
  readonly #writes: { statement: Statement; given: (readonly Value[])[]; gathers: boolean }[] = []
  #undo: (() => void)[] = []

  constructor(
    channels: Map<Hex, ChannelRow>,
    accounts: Map<Address, AccountRow>,
    /** Undefined where nothing that they sum up may change. */
    sums: Sums | undefined,
    guarantees: readonly Row[],
    /** The chain as of the block that decisions are made on. */
    readonly standing: HubStanding,
    readonly cursor: Cursor | undefined,
  ) {
    this.#channels = channels
    this.#accounts = accounts
    this.#onDisk = new Set(accounts.keys())
    this.#isLocked = sums !== undefined
    this.#sums = sums ?? sumsFrom(undefined)
    this.#guarantees = new Map(guarantees.map((row) => [hexOf(row.cause), guaranteeFrom(row)]))
  }

  get sums(): Sums {
    return this.#sums
  }

  get blockAt(): number {
    return this.cursor?.at ?? 0
  }

  channel(channelId: Hex): ChannelRow | undefined {
    return this.#channels.get(channelId)
  }

  account(provider: Address): AccountRow {
    return this.#accounts.get(provider) ?? newAccount(provider)
  }

  /** Whether the hub ever promised this provider anything. */
  knows(provider: Address): boolean {
    return this.#accounts.has(provider)
  }

  tab(channelId: Hex, provider: Address): TabRow {
    const tab = this.#channels.get(channelId)?.tabs.find((each) => each.provider === provider)
    return tab ?? newTab(provider)
  }

  /** Writes the row of a channel itself. Its tabs are kept where it is known already. */
  putChannel(channel: Omit<ChannelRow, 'tabs' | 'closing'>): void {
    const before = this.#channels.get(channel.channelId)
    const { tabs, closing } = before ?? { tabs: [], closing: false }
    this.#replace({ ...channel, tabs, closing })
    this.#touchedChannels.add(channel.channelId)
    if (before?.closing && before.status !== channel.status)
      this.write(settleClosing, [channel.status === 'open' ? 0 : 1, channel.channelId])
    // How much of a tab can be drawn depends on its channel.
    if (before && (before.status !== channel.status || before.balance !== channel.balance))
      for (const { provider } of tabs) this.#touchTab(before, provider)
  }

  changeTab(channelId: Hex, provider: Address, change: Partial<TabRow>): void {
    this.putTab(channelId, { ...this.tab(channelId, provider), ...change })
  }

  putTab(channelId: Hex, tab: TabRow): void {
    const channel = this.#channels.get(channelId)
    if (!channel) throw new Error(`Channel ${channelId} is not among the rows that were read.`)
    const at = channel.tabs.findIndex(({ provider }) => provider === tab.provider)
    this.#replace({ ...channel, tabs: at < 0 ? [...channel.tabs, tab] : channel.tabs.with(at, tab) })
    this.#touchTab(channel, tab.provider)
  }

  /** @param before - The channel as it was before this change. */
  #touchTab(before: ChannelRow, provider: Address): void {
    const touched = this.#touchedTabs.get(before.channelId)
    if (touched) touched.providers.add(provider)
    else this.#touchedTabs.set(before.channelId, { before, providers: new Set([provider]) })
  }

  /** A final state was signed: it is written by whoever signed it. */
  markClosing(channelId: Hex): void {
    const channel = this.#channels.get(channelId)
    if (!channel) return
    this.#replace({ ...channel, closing: true })
    this.#touchedChannels.add(channelId)
  }

  putAccount(account: AccountRow): void {
    const before = this.#accounts.get(account.provider)
    const sums = this.#sums
    this.#sums = {
      ...sums,
      owed: wei(sums.owed - owedTo(before ?? newAccount(account.provider)) + owedTo(account)),
      promised: wei(sums.promised - (before?.total ?? 0n) + account.total),
    }
    this.#accounts.set(account.provider, account)
    this.#touchedAccounts.add(account.provider)
    this.#undo.push(() => {
      this.#sums = sums
      if (before) this.#accounts.set(account.provider, before)
      else this.#accounts.delete(account.provider)
    })
  }

  /** Runs a statement when the group is written, after those before it. */
  write(one: Statement, values: readonly Value[]): void {
    this.#writes.push({ statement: one, given: [values], gathers: false })
    this.#undo.push(() => this.#writes.pop())
  }

  /** The same for statements whose rows never meet each other: they are run as one. */
  gather(one: Statement, values: readonly Value[]): void {
    const known = this.#writes.find(({ statement, gathers }) => gathers && statement === one)
    if (!known) this.#writes.push({ statement: one, given: [values], gathers: true })
    else known.given.push(values)
    this.#undo.push(() =>
      this.#writes.find(({ statement, gathers }) => gathers && statement === one)?.given.pop(),
    )
  }

  guarantee(cause: Hex): Signed<'Guarantee'> | undefined {
    return this.#guarantees.get(cause)
  }

  putGuarantee(cause: Hex, guarantee: Signed<'Guarantee'>): void {
    const { channelId, provider, ceiling, expiresAt } = guarantee
    const tab = this.tab(channelId, provider)
    const newest = { ceiling: wei(ceiling), expiresAt: Math.max(tab.expiresAt, expiresAt) }
    this.putTab(channelId, {
      ...covered(tab, { ceiling: wei(ceiling), expiresAt }, this.blockAt),
      ...newest,
    })
    this.keepGuarantee(cause, guarantee)
  }

  /** Keeps a guarantee without a change to its tab. */
  keepGuarantee(cause: Hex, guarantee: Signed<'Guarantee'>): void {
    const { channelId, provider, ceiling, expiresAt, signature } = guarantee
    this.gather(insertGuarantees, [cause, channelId, provider, amountText(ceiling), expiresAt, signature])
    // What a larger and longer one covers is needed no more: a tab keeps a few, however often one is asked for.
    this.gather(pruneCovered, [channelId, provider, amountText(ceiling), expiresAt])
    this.#guarantees.set(cause, guarantee)
    this.#undo.push(() => this.#guarantees.delete(cause))
  }

  /** Does something in full, or leaves no trace of it when it throws. */
  attempt<Result>(work: () => Result): Result {
    const outer = this.#undo
    this.#undo = []
    try {
      const result = work()
      outer.push(...this.#undo)
      return result
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo()
      throw error
    } finally {
      this.#undo = outer
    }
  }

  /** Everything that is to be written, each row once. */
  changes(): Ask[] {
    const channels = [...this.#touchedChannels].flatMap((id) => this.#channels.get(id) ?? [])
    const tabs = this.#tabs()
    const accounts = [...this.#touchedAccounts].flatMap((provider) => this.#accounts.get(provider) ?? [])
    const asks = [...rowWrites(channels, tabs, accounts, this.#onDisk), ...this.#writes]
    if (channels.length + tabs.length + accounts.length > 0) {
      if (!this.#isLocked) throw new Error('Something changed that was not locked: the order names no rows.')
      this.#sums = { ...this.#sums, writes: this.#sums.writes + 1, version: randomInt(maxVersion) }
      asks.push(sumsWrite(this.#sums))
    }
    return asks.filter(({ given }) => given.length > 0)
  }

  /** Keeps the rows for the next transaction, once what changed of them is on disk. */
  keepIn(cache: Cache): void {
    if (this.#isLocked) cache.keep(this.#sums, this.#channels.values(), this.#accounts.values(), this.#tabs())
  }

  /** Each tab that was changed. */
  #tabs(): ChangedTab[] {
    const changed: ChangedTab[] = []
    for (const [channelId, { before, providers }] of this.#touchedTabs) {
      const channel = this.#channels.get(channelId)
      for (const provider of providers) {
        const tab = channel?.tabs.find((each) => each.provider === provider)
        const tabBefore = before.tabs.find((each) => each.provider === provider)
        if (channel && tab)
          changed.push({ channel, tab, before: tabBefore && { channel: before, tab: tabBefore } })
      }
    }
    return changed
  }

  #replace(channel: ChannelRow): void {
    const before = this.#channels.get(channel.channelId)
    const sums = this.#sums
    const [held, holds] = [before && collateralOf(before), collateralOf(channel)]
    this.#sums = {
      ...sums,
      undrawn: wei(sums.undrawn - (before ? undrawnOf(before) : 0n) + undrawnOf(channel)),
      channels: sums.channels - (held?.channels ?? 0) + holds.channels,
      collateral: wei(sums.collateral - (held?.collateral ?? 0n) + holds.collateral),
      urgent: sums.urgent - (before ? urgentOf(before) : 0) + urgentOf(channel),
    }
    this.#channels.set(channel.channelId, channel)
    this.#undo.push(() => {
      this.#sums = sums
      if (before) this.#channels.set(channel.channelId, before)
      else this.#channels.delete(channel.channelId)
    })
  }
}
