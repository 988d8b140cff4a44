import { type Address, type Hex, larger, smaller, type Wei, wei } from '@pontage/shared'
import { type ChannelLine, emptyTab } from '../../core/channelLine.js'
import type { HeldTab, SignedAccount } from '../../core/clearing.js'
import type { Account } from '../../core/solvency.js'
import type { Cursor, HubStanding } from '../ledger.js'
import { plain, type Row, statement } from './engine.js'
import { addressOf, amountOf, hexOf, nothing, sizeOf } from './rows.js'

/** A tab as its row holds it. */
export interface TabRow extends HeldTab {
  /** The block time up to which `liveCeiling` holds. */
  readonly liveUntil: number
}

/** A channel as its rows hold it. */
export interface ChannelRow extends Omit<ChannelLine, 'tabs'> {
  readonly tabs: readonly TabRow[]
}

/** A tab that was changed, with its channel. */
export interface ChangedTab {
  readonly channel: ChannelRow
  readonly tab: TabRow
  /** Both as they are on disk; undefined where there is no such tab yet. */
  readonly before: { readonly channel: ChannelRow; readonly tab: TabRow } | undefined
}

/** An account as its row holds it. */
export type AccountRow = SignedAccount

/** Sums over all rows, kept by differences so that no decision has to read them all. */
export interface Sums {
  /** What the hub would have to advance if every provider redeemed now. */
  readonly owed: Wei
  /** Held and not drawn, on channels that no final state draws. */
  readonly undrawn: Wei
  /** Open channels that are being left or protested. */
  readonly urgent: number
  /** Open channels, and what they hold. */
  readonly channels: number
  readonly collateral: Wei
  /** The totals promised to providers. */
  readonly promised: Wei
  /** Grows by one with every transaction that changes a channel, a tab or an account. */
  readonly writes: number
  /** Random, and another with each of those: the same number of writes with another version is another history. */
  readonly version: number
}

const channelColumns = 'channel.channel_id, consumer, nonce, status, balance, exit_at'
// A guarantee lives until the block that decisions are made on is younger than its expiry.
const ofLive = (column: string) => `(SELECT live.${column} FROM guarantee AS live
    WHERE live.channel_id = tab.channel_id AND live.provider = tab.provider
      AND live.expires_at >= coalesce((SELECT block_at FROM chain WHERE id = 1), 0)
    ORDER BY live.ceiling DESC, live.expires_at DESC LIMIT 1)`
const tabColumns = `tab.channel_id, tab.provider, cleared, held, held_signature, ceiling, expires_at, drawn, protested, protest_ends_at,
  ${ofLive('ceiling')} AS live_ceiling, ${ofLive('expires_at')} AS live_until`
const accountColumns = 'provider, total, unexplained, signed_total, signature, credited, paid'

export const readChannels = statement(`SELECT ${channelColumns} FROM channel WHERE channel_id {among:bytes}`)
export const readTabs = statement(`SELECT ${tabColumns} FROM tab WHERE tab.channel_id {among:bytes}`)
/** Of these providers, on open channels, with a guarantee that still holds. */
export const readLiveTabs = statement(`SELECT ${tabColumns} FROM tab
  JOIN channel ON channel.channel_id = tab.channel_id AND channel.status = 'open'
  WHERE tab.provider {among:bytes} AND tab.expires_at >= coalesce((SELECT block_at FROM chain WHERE id = 1), 0)`)
export const readClosings = statement('SELECT channel_id FROM closing WHERE channel_id {among:bytes}')
export const findAccounts = statement(`SELECT ${accountColumns} FROM account WHERE provider {among:bytes}`)
const sums =
  'SELECT owed, undrawn, urgent, channels, collateral, promised, writes, version FROM sums WHERE id = 1'
/** Whoever holds it is the only one that changes channels, tabs or accounts. */
export const lockSums = plain(statement(`${sums} {lock}`))
export const readSums = plain(statement(sums))
export const readChain = plain(
  statement(
    'SELECT block_number, block_hash, block_at, pool, pending_withdrawal, fee_bps FROM chain WHERE id = 1',
  ),
)
export const readLandmarks = plain(
  statement('SELECT block_number, block_hash, block_at FROM chain WHERE id > 1 ORDER BY block_number DESC'),
)
export const readAccounts = plain(statement(`SELECT ${accountColumns} FROM account ORDER BY provider`))
export const readOpen = [
  plain(statement(`SELECT ${channelColumns} FROM channel WHERE status = 'open'`)),
  plain(
    statement(`SELECT ${tabColumns} FROM tab
      WHERE tab.channel_id IN (SELECT channel_id FROM channel WHERE status = 'open')`),
  ),
  plain(statement('SELECT channel_id FROM closing WHERE settled = 0')),
]

/** The channels these rows tell of, by their ids. */
export function channelsFrom(
  channels: readonly Row[],
  tabs: readonly Row[],
  closings: readonly Row[],
): Map<Hex, ChannelRow> {
  const closing = new Set(closings.map((row) => row.channel_id))
  const tabsOf = new Map<unknown, TabRow[]>()
  for (const row of tabs) {
    const known = tabsOf.get(row.channel_id)
    if (known) known.push(tabFrom(row))
    else tabsOf.set(row.channel_id, [tabFrom(row)])
  }
  return new Map(
    channels.map((row) => [
      hexOf(row.channel_id),
      {
        channelId: hexOf(row.channel_id),
        consumer: addressOf(row.consumer),
        nonce: Number(row.nonce),
        status: row.status as ChannelLine['status'],
        balance: amountOf(row.balance),
        exitAt: Number(row.exit_at),
        closing: closing.has(row.channel_id as Hex),
        tabs: tabsOf.get(row.channel_id) ?? [],
      },
    ]),
  )
}

/** A tab that no guarantee covers stays so until one is given. */
export const always = Number.MAX_SAFE_INTEGER

/** A tab on which one more guarantee was given. */
export const covered = (
  tab: TabRow,
  { ceiling, expiresAt }: { ceiling: Wei; expiresAt: number },
  blockAt: number,
): TabRow => {
  if (expiresAt < blockAt || ceiling < tab.liveCeiling) return tab
  const outlived = ceiling === tab.liveCeiling && tab.liveUntil !== always && tab.liveUntil > expiresAt
  return outlived ? tab : { ...tab, liveCeiling: ceiling, liveUntil: expiresAt }
}

export const tabFrom = (row: Row): TabRow => ({
  provider: addressOf(row.provider),
  liveCeiling: row.live_ceiling === null ? nothing : amountOf(row.live_ceiling),
  liveUntil: row.live_until === null ? always : Number(row.live_until),
  ceiling: amountOf(row.ceiling),
  expiresAt: Number(row.expires_at),
  cleared: amountOf(row.cleared),
  protested: amountOf(row.protested),
  protestEndsAt: Number(row.protest_ends_at),
  drawn: amountOf(row.drawn),
  held: amountOf(row.held),
  heldSignature: row.held_signature as Hex | null,
})

export const accountFrom = (row: Row): AccountRow => ({
  provider: addressOf(row.provider),
  total: amountOf(row.total),
  unexplained: amountOf(row.unexplained),
  signedTotal: amountOf(row.signed_total),
  signature: row.signature as Hex | null,
  credited: amountOf(row.credited),
  paid: amountOf(row.paid),
})

/** A row of a tab that is not there yet. */
export const newTab = (provider: Address): TabRow => ({
  ...emptyTab(provider),
  liveUntil: always,
  held: nothing,
  heldSignature: null,
})

export const newAccount = (provider: Address): AccountRow => ({
  provider,
  total: nothing,
  unexplained: nothing,
  signedTotal: nothing,
  signature: null,
  credited: nothing,
  paid: nothing,
})

export const sumsFrom = (row: Row | undefined): Sums => ({
  owed: row ? amountOf(row.owed) : nothing,
  undrawn: row ? amountOf(row.undrawn) : nothing,
  urgent: Number(row?.urgent ?? 0),
  channels: Number(row?.channels ?? 0),
  collateral: row ? amountOf(row.collateral) : nothing,
  promised: row ? amountOf(row.promised) : nothing,
  writes: Number(row?.writes ?? 0),
  version: Number(row?.version ?? 0),
})

export const standingFrom = (row: Row | undefined): HubStanding => ({
  balance: row ? amountOf(row.pool) : nothing,
  pendingWithdrawal: row ? amountOf(row.pending_withdrawal) : nothing,
  feeBps: Number(row?.fee_bps ?? 0),
})

export const cursorFrom = (row: Row | undefined): Cursor | undefined =>
  row && { number: Number(row.block_number), hash: String(row.block_hash), at: Number(row.block_at) }

/** Held and not drawn of one tab. */
const waiting = ({ held, drawn }: TabRow): Wei => wei(held > drawn ? held - drawn : 0n)

/** Whether cleared money that is not drawn rests on a guarantee here. */
export const isDue = ({ status }: ChannelRow, { held, cleared, drawn, expiresAt }: TabRow): boolean =>
  status === 'open' && held > drawn && cleared > drawn && expiresAt > 0

/** What a channel adds to `Sums.undrawn`: no more than it holds, and nothing once a final state draws it. */
export const undrawnOf = ({ status, closing, balance, tabs }: ChannelRow): bigint =>
  status === 'open' && !closing
    ? smaller(
        tabs.reduce((sum, tab) => sum + waiting(tab), 0n),
        balance,
      )
    : 0n

/** How much of a tab could be drawn, in bits: it changes seldom while the amount grows. */
export const drawableSize = ({ status, balance }: Omit<ChannelRow, 'tabs'>, tab: TabRow): number =>
  status === 'open' ? sizeOf(smaller(waiting(tab), balance)) : 0

/** Whether nothing was ever promised on a tab. */
export const isIdle = ({ heldSignature }: TabRow): boolean => heldSignature === null

/** What a channel adds to `Sums.channels` and `Sums.collateral`. */
export const collateralOf = ({ status, balance }: ChannelRow): { channels: number; collateral: bigint } =>
  status === 'open' ? { channels: 1, collateral: balance } : { channels: 0, collateral: 0n }

/** What a channel adds to `Sums.urgent`. */
export const urgentOf = ({ status, exitAt, tabs }: ChannelRow): number =>
  status === 'open' && (exitAt > 0 || tabs.some(({ protested }) => protested > 0n)) ? 1 : 0

/** What an account adds to `Sums.owed`. */
export const owedTo = ({ total, credited, paid }: Account): bigint => {
  const settled = larger(credited, paid)
  return total > settled ? total - settled : 0n
}
