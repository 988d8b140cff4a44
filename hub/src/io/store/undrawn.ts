import type { DrawOrder } from '../ledger.js'
import { plain, type Row, statement } from './engine.js'
import { addressOf, amountOf, hexOf } from './rows.js'

// What waits to be drawn. Each look goes by an index: a ledger may hold a hundred thousand promises that need no look.

// A protest for anybody takes from what the channel holds for everybody.
const columns = `
  held.channel_id, held.provider, held.held, held.held_signature, held.drawn, held.expires_at,
  channel.consumer, channel.nonce, channel.balance, channel.exit_at,
  (SELECT min(other.protest_ends_at) FROM tab AS other
    WHERE other.channel_id = held.channel_id AND other.protest_ends_at > 0) AS first_protest_ends_at,
  (SELECT count(*) FROM closing WHERE closing.channel_id = held.channel_id) AS closing`
const ofOpenChannel = "JOIN channel ON channel.channel_id = held.channel_id AND channel.status = 'open'"

/** All of it. */
export const readUndrawn = plain(
  statement(`SELECT ${columns} FROM tab AS held ${ofOpenChannel} WHERE held.undrawn > 0`),
)
/** Of one channel, also where it holds nothing any more: its consumer asks for what it signed. */
export const readUndrawnOf = statement(
  `SELECT ${columns} FROM tab AS held ${ofOpenChannel} WHERE held.held > held.drawn AND held.channel_id {among:bytes}`,
)
/** On channels that are being left or protested. */
export const readUrgent = plain(
  statement(`SELECT ${columns} FROM (
      SELECT channel_id FROM channel WHERE status = 'open' AND exit_at > 0
      UNION SELECT channel_id FROM tab WHERE protest_ends_at > 0) AS urgent
    CROSS JOIN tab AS held ${ofOpenChannel} WHERE held.channel_id = urgent.channel_id AND held.undrawn > 0`),
)
/** The largest, to a power of sixteen. */
export const readLargest = statement(`{with:number}
  SELECT ${columns} FROM (SELECT * FROM tab WHERE undrawn > 0 ORDER BY undrawn DESC LIMIT ?1) AS held
    ${ofOpenChannel}`)
/** Who protests, and on which channel. */
export const readProtests = plain(statement('SELECT channel_id, provider FROM tab WHERE protest_ends_at > 0'))

/** A final state draws what it pays by itself; until it stands on chain, an exit or a protest must be answered. */
export const isDrawable = ({ isClosing, collateralUntil }: DrawOrder): boolean =>
  !isClosing || collateralUntil !== undefined

export const drawFrom = (row: Row): DrawOrder => ({
  channelId: hexOf(row.channel_id),
  provider: addressOf(row.provider),
  amount: amountOf(row.held),
  signature: hexOf(row.held_signature),
  drawn: amountOf(row.drawn),
  balance: amountOf(row.balance),
  guaranteedUntil: Number(row.expires_at),
  collateralUntil: earliest(Number(row.exit_at), Number(row.first_protest_ends_at ?? 0)),
  isClosing: Number(row.closing) > 0,
  consumer: addressOf(row.consumer),
  nonce: Number(row.nonce),
})

/** The first of these times, of which zero is none. */
const earliest = (...times: readonly number[]): number | undefined => {
  const set = times.filter((time) => time > 0)
  return set.length > 0 ? Math.min(...set) : undefined
}
