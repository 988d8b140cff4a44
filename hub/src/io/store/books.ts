import { type Address, type Hex, type Signed, wei } from '@pontage/shared'
import { emptyTab } from '../../core/channelLine.js'
import { larger } from '../../core/reserve.js'
import type { Cursor, HubStanding } from '../ledger.js'
import type { Ask, Row, Statement, Value } from './engine.js'
import { statement } from './engine.js'
import { addressOf, amountOf, amountText, hexOf, nothing } from './rows.js'
import {
  type AccountRow,
  type ChannelRow,
  newAccount,
  owedTo,
  type Sums,
  type TabRow,
  undrawnOf,
  urgentOf,
} from './tables.js'

const insertChannels = statement(`
  INSERT INTO channel (channel_id, consumer, nonce, status, balance, exit_at)
  {rows:bytes,bytes,number,text,bytes,number}
  ON CONFLICT (channel_id) DO UPDATE SET status = excluded.status, balance = excluded.balance,
    exit_at = excluded.exit_at`)
const writeTabs = statement(`
  INSERT INTO tab (channel_id, provider, cleared, held, held_signature, ceiling, expires_at, drawn, protested, undrawn)
  {rows:bytes,bytes,bytes,bytes,bytes,bytes,number,bytes,bytes,number}
  ON CONFLICT (channel_id, provider) DO UPDATE SET cleared = {max}(tab.cleared, excluded.cleared),
    held = excluded.held, held_signature = excluded.held_signature, ceiling = excluded.ceiling,
    expires_at = excluded.expires_at, drawn = excluded.drawn, protested = excluded.protested,
    undrawn = excluded.undrawn`)
const insertAccounts = statement(`
  INSERT INTO account (provider, total, unexplained, signed_total, signature, credited, paid)
  {rows:bytes,bytes,bytes,bytes,bytes,bytes,bytes}`)
// Totals only grow: a statement that would lower one changes nothing.
const writeAccounts = statement(`
  INSERT INTO account (provider, total, unexplained, signed_total, signature, credited, paid)
  {rows:bytes,bytes,bytes,bytes,bytes,bytes,bytes}
  ON CONFLICT (provider) DO UPDATE SET total = {max}(account.total, excluded.total),
    unexplained = excluded.unexplained,
    signed_total = excluded.signed_total, signature = excluded.signature,
    credited = excluded.credited, paid = excluded.paid`)
const insertGuarantees = statement(`
  INSERT INTO guarantee (cause, channel_id, provider, ceiling, expires_at, signature)
  {rows:bytes,bytes,bytes,bytes,number,bytes} ON CONFLICT (cause) DO NOTHING`)
const writeSums = statement(`
  INSERT INTO sums (id, owed, undrawn, urgent) {rows:number,bytes,bytes,number}
  ON CONFLICT (id) DO UPDATE SET owed = excluded.owed, undrawn = excluded.undrawn, urgent = excluded.urgent`)

/**
 * The rows that a group of orders works on, in memory: each order finds them as the one before left them, and all of
 * them are written together. What one order changed can be undone without touching the others.
 */
export class Books {
  readonly #channels: Map<Hex, ChannelRow>
  readonly #accounts: Map<Address, AccountRow>
  readonly #onDisk: ReadonlySet<Address>
  readonly #guarantees: Map<Hex, Signed<'Guarantee'>>
  readonly #atFirst: Sums
  #sums: Sums
  readonly #touchedTabs = new Map<string, [Hex, Address]>()
  readonly #touchedChannels = new Set<Hex>()
  readonly #touchedAccounts = new Set<Address>()
  readonly #writes: { statement: Statement; given: (readonly Value[])[]; gathers: boolean }[] = []
  #undo: (() => void)[] = []

  constructor(
    channels: Map<Hex, ChannelRow>,
    accounts: readonly AccountRow[],
    sums: Sums,
    guarantees: readonly Row[],
    /** The chain as of the block that decisions are made on. */
    readonly standing: HubStanding,
    readonly cursor: Cursor | undefined,
  ) {
    this.#channels = channels
    this.#accounts = new Map(accounts.map((account) => [account.provider, account]))
    this.#onDisk = new Set(this.#accounts.keys())
    this.#sums = sums
    this.#atFirst = sums
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
    return tab ?? { ...emptyTab(provider), held: nothing, heldSignature: null }
  }

  /** Writes the row of a channel itself. Its tabs are kept where it is known already. */
  putChannel(channel: Omit<ChannelRow, 'tabs' | 'closing'>): void {
    const before = this.#channels.get(channel.channelId)
    const { tabs, closing } = before ?? { tabs: [], closing: false }
    this.#replace({ ...channel, tabs, closing })
    this.#touchedChannels.add(channel.channelId)
    // Whether a tab waits to be drawn depends on its channel.
    if (before && before.status !== channel.status)
      for (const { provider } of tabs)
        this.#touchedTabs.set(`${channel.channelId}${provider}`, [channel.channelId, provider])
  }

  putTab(channelId: Hex, tab: TabRow): void {
    const channel = this.#channels.get(channelId)
    if (!channel) throw new Error(`Channel ${channelId} is not among the rows that were read.`)
    const others = channel.tabs.filter(({ provider }) => provider !== tab.provider)
    this.#replace({ ...channel, tabs: [...others, tab] })
    this.#touchedTabs.set(`${channelId}${tab.provider}`, [channelId, tab.provider])
  }

  /** A final state was signed: it is written by whoever signed it. */
  markClosing(channelId: Hex): void {
    const channel = this.#channels.get(channelId)
    if (channel) this.#replace({ ...channel, closing: true })
  }

  putAccount(account: AccountRow): void {
    const before = this.#accounts.get(account.provider)
    const sums = this.#sums
    this.#sums = {
      ...sums,
      owed: wei(sums.owed - owedTo(before ?? newAccount(account.provider)) + owedTo(account)),
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
    const given = wei(ceiling)
    this.putTab(channelId, {
      ...tab,
      ceiling: given,
      expiresAt: Math.max(tab.expiresAt, expiresAt),
      liveCeiling: expiresAt >= this.blockAt ? larger(tab.liveCeiling, given) : tab.liveCeiling,
    })
    this.keepGuarantee(cause, guarantee)
  }

  /** Keeps a guarantee without a change to its tab. */
  keepGuarantee(cause: Hex, guarantee: Signed<'Guarantee'>): void {
    const { channelId, provider, ceiling, expiresAt, signature } = guarantee
    this.gather(insertGuarantees, [cause, channelId, provider, amountText(ceiling), expiresAt, signature])
    this.#guarantees.set(cause, guarantee)
    this.#undo.push(() => this.#guarantees.delete(cause))
  }

  /** What was read later in the same transaction. */
  add(channels: Map<Hex, ChannelRow>): void {
    for (const [id, channel] of channels) if (!this.#channels.has(id)) this.#channels.set(id, channel)
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
    const channels = [...this.#touchedChannels].sort().flatMap((id) => this.#channels.get(id) ?? [])
    const tabs = [...this.#touchedTabs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key)
    const accounts = [...this.#touchedAccounts]
      .sort()
      .flatMap((provider) => this.#accounts.get(provider) ?? [])
    const asks: Ask[] = [
      { statement: insertChannels, given: channels.map(channelValues) },
      {
        statement: writeTabs,
        given: tabs.flatMap(([id, provider]) => {
          const channel = this.#channels.get(id)
          const tab = channel?.tabs.find((each) => each.provider === provider)
          return channel && tab ? [tabValues(channel, tab)] : []
        }),
      },
      {
        statement: insertAccounts,
        given: accounts.filter(({ provider }) => !this.#onDisk.has(provider)).map(accountValues),
      },
      {
        statement: writeAccounts,
        given: accounts.filter(({ provider }) => this.#onDisk.has(provider)).map(accountValues),
      },
      ...this.#writes,
    ]
    const { owed, undrawn, urgent } = this.#sums
    const before = this.#atFirst
    if (owed !== before.owed || undrawn !== before.undrawn || urgent !== before.urgent)
      asks.push({ statement: writeSums, given: [[1, amountText(owed), amountText(undrawn), urgent]] })
    return asks.filter(({ given }) => given.length > 0)
  }

  #replace(channel: ChannelRow): void {
    const before = this.#channels.get(channel.channelId)
    const sums = this.#sums
    this.#sums = {
      ...sums,
      undrawn: wei(sums.undrawn - (before ? undrawnOf(before) : 0n) + undrawnOf(channel)),
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

const channelValues = (channel: ChannelRow): Value[] => [
  channel.channelId,
  channel.consumer,
  channel.nonce,
  channel.status,
  amountText(channel.balance),
  channel.exitAt,
]

const tabValues = ({ channelId, status }: ChannelRow, tab: TabRow): Value[] => [
  channelId,
  tab.provider,
  amountText(tab.cleared),
  amountText(tab.held),
  tab.heldSignature,
  amountText(tab.ceiling),
  tab.expiresAt,
  amountText(tab.drawn),
  amountText(tab.protested),
  status === 'open' && tab.held > tab.drawn ? 1 : 0,
]

const accountValues = (account: AccountRow): Value[] => [
  account.provider,
  amountText(account.total),
  amountText(account.unexplained),
  amountText(account.signedTotal),
  account.signature,
  amountText(account.credited),
  amountText(account.paid),
]

const guaranteeFrom = (row: Row): Signed<'Guarantee'> => ({
  channelId: hexOf(row.channel_id),
  provider: addressOf(row.provider),
  ceiling: amountOf(row.ceiling),
  expiresAt: Number(row.expires_at),
  signature: hexOf(row.signature),
})
