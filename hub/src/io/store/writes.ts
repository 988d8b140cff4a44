import { type Address, type Signed, unixSeconds } from '@pontage/shared'
import { type Ask, inBothWords, type Row, statement, type Value } from './engine.js'
import { addressOf, amountOf, amountText, hexOf } from './rows.js'
import {
  type AccountRow,
  type ChangedTab,
  type ChannelRow,
  drawableSize,
  isIdle,
  type Sums,
} from './tables.js'

// How the rows of a group are written: each kind by one statement.

const insertChannels = statement(`
  INSERT INTO channel (channel_id, consumer, nonce, status, balance, exit_at)
  {rows:bytes,bytes,number,text,bytes,number}
  ON CONFLICT (channel_id) DO UPDATE SET status = excluded.status, balance = excluded.balance,
    exit_at = excluded.exit_at`)
const tabStatement = (indexed: string) =>
  statement(`
  INSERT INTO tab (channel_id, provider, cleared, held, held_signature, ceiling, expires_at, drawn, protested,
    protest_ends_at, undrawn, idle)
  {rows:bytes,bytes,bytes,bytes,bytes,bytes,number,bytes,bytes,number,number,number}
  ON CONFLICT (channel_id, provider) DO UPDATE SET cleared = {max}(tab.cleared, excluded.cleared),
    held = excluded.held, held_signature = excluded.held_signature, ceiling = excluded.ceiling,
    drawn = excluded.drawn, protested = excluded.protested${indexed}`)
const writeTabs = tabStatement(`,
    expires_at = excluded.expires_at, protest_ends_at = excluded.protest_ends_at, undrawn = excluded.undrawn,
    idle = excluded.idle`)
// SQLite takes a row out of each index on a column that is set and puts it back, also where the value is the same.
const writeMovedTabs = tabStatement('')
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
export const insertGuarantees = statement(`
  INSERT INTO guarantee (cause, channel_id, provider, ceiling, expires_at, signature)
  {rows:bytes,bytes,bytes,bytes,number,bytes} ON CONFLICT (cause) DO NOTHING`)
const covers = (ceiling: string, expiresAt: string) =>
  `((guarantee.ceiling < ${ceiling} AND guarantee.expires_at <= ${expiresAt})
    OR (guarantee.ceiling <= ${ceiling} AND guarantee.expires_at < ${expiresAt}))`
export const pruneCovered = inBothWords(
  ['bytes', 'bytes', 'bytes', 'number'],
  `WITH given (channel_id, provider, ceiling, expires_at) AS (VALUES (?, ?, ?, ?))
  DELETE FROM guarantee WHERE channel_id = (SELECT channel_id FROM given) AND provider = (SELECT provider FROM given)
    AND ${covers('(SELECT ceiling FROM given)', '(SELECT expires_at FROM given)')}`,
  `DELETE FROM guarantee USING unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[])
    AS given (channel_id, provider, ceiling, expires_at)
  WHERE guarantee.channel_id = given.channel_id AND guarantee.provider = given.provider
    AND ${covers('given.ceiling', 'given.expires_at')}`,
)
/** Whether its channel is closed: what is under way is found without a look at all that ever was. */
export const settleClosing = statement(
  '{with:number,bytes} UPDATE closing SET settled = ?1 WHERE channel_id = ?2',
)

const writeSums = statement(`
  INSERT INTO sums (id, owed, undrawn, urgent, channels, collateral, promised, writes, version)
  {rows:number,bytes,bytes,number,number,bytes,bytes,number,number}
  ON CONFLICT (id) DO UPDATE SET owed = excluded.owed, undrawn = excluded.undrawn, urgent = excluded.urgent,
    channels = excluded.channels, collateral = excluded.collateral, promised = excluded.promised,
    writes = excluded.writes, version = excluded.version`)

/** Writes channels, tabs and accounts as they stand. */
export const rowWrites = (
  channels: readonly ChannelRow[],
  tabs: readonly ChangedTab[],
  accounts: readonly AccountRow[],
  /** Accounts that have a row already. */
  onDisk: ReadonlySet<Address>,
): Ask[] => [
  { statement: insertChannels, given: channels.map(channelValues) },
  { statement: writeTabs, given: tabs.filter((each) => !isOnlyMoved(each)).map(tabValues) },
  { statement: writeMovedTabs, given: tabs.filter(isOnlyMoved).map(tabValues) },
  {
    statement: insertAccounts,
    given: accounts.filter(({ provider }) => !onDisk.has(provider)).map(accountValues),
  },
  {
    statement: writeAccounts,
    given: accounts.filter(({ provider }) => onDisk.has(provider)).map(accountValues),
  },
]

export const sumsWrite = (sums: Sums): Ask => ({ statement: writeSums, given: [sumsValues(sums)] })

const channelValues = (channel: ChannelRow): Value[] => [
  channel.channelId,
  channel.consumer,
  channel.nonce,
  channel.status,
  amountText(channel.balance),
  channel.exitAt,
]

/** Whether nothing changed by which a tab is found: so it is with nearly all that is cleared. */
const isOnlyMoved = ({ channel, tab, before }: ChangedTab): boolean =>
  before !== undefined &&
  before.tab.expiresAt === tab.expiresAt &&
  before.tab.protestEndsAt === tab.protestEndsAt &&
  isIdle(before.tab) === isIdle(tab) &&
  drawableSize(before.channel, before.tab) === drawableSize(channel, tab)

const tabValues = ({ channel, tab }: ChangedTab): Value[] => [
  channel.channelId,
  tab.provider,
  amountText(tab.cleared),
  amountText(tab.held),
  tab.heldSignature,
  amountText(tab.ceiling),
  tab.expiresAt,
  amountText(tab.drawn),
  amountText(tab.protested),
  tab.protestEndsAt,
  drawableSize(channel, tab),
  isIdle(tab) ? 1 : 0,
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

const sumsValues = (sums: Sums): Value[] => [
  ...[1, amountText(sums.owed), amountText(sums.undrawn), sums.urgent],
  ...[sums.channels, amountText(sums.collateral), amountText(sums.promised)],
  ...[sums.writes, sums.version],
]

export const guaranteeFrom = (row: Row): Signed<'Guarantee'> => ({
  channelId: hexOf(row.channel_id),
  provider: addressOf(row.provider),
  ceiling: amountOf(row.ceiling),
  expiresAt: unixSeconds(Number(row.expires_at)),
  signature: hexOf(row.signature),
})
