import { type Address, type Hex, refuse, type Verdict, type Wei, wei } from '@pontage/shared'
import type { ChannelLine } from '../../core/channelLine.js'
import type { Closing } from '../ledger.js'
import { plain, type Row, statement } from './engine.js'
import type { Order } from './order.js'
import { addressOf, hexOf } from './rows.js'

const insert = statement(`
  INSERT INTO closing (channel_id, turn_num, totals, releases, consumer_signature, hub_signature)
  {rows:bytes,number,text,text,bytes,bytes}`)
export const findClosing = statement('SELECT * FROM closing WHERE channel_id {among:bytes}')
export const readOpenClosings = plain(
  statement(`
    SELECT closing.*, channel.consumer, channel.nonce
    FROM closing JOIN channel ON channel.channel_id = closing.channel_id WHERE closing.settled = 0`),
)

/** Signs a final state, once. */
export const closingOrder = (order: {
  channelId: Hex
  decide: (line: ChannelLine) => Verdict
  sign: () => Closing
}): Order<Verdict<{ closing: Closing }>> => ({
  channels: [order.channelId],
  apply: (unit) => {
    const { channelId, decide, sign } = order
    const line = unit.channel(channelId)
    if (!line) return refuse({ code: 'unknown-channel', channelId })
    const verdict = decide(line)
    if (!verdict.ok) return verdict
    const closing = sign()
    const { turnNum, totals, releases, consumerSignature, hubSignature } = closing
    unit.markClosing(channelId)
    unit.write(insert, [
      channelId,
      turnNum,
      JSON.stringify(totals, amountsAsText),
      JSON.stringify(releases, amountsAsText),
      consumerSignature,
      hubSignature,
    ])
    return { ok: true, closing }
  },
})

export const closingFrom = (row: Row): Closing => ({
  channelId: hexOf(row.channel_id),
  turnNum: Number(row.turn_num),
  totals: withAmounts<{ provider: Address; amount: string }>(row.totals),
  releases: withAmounts<{ provider: Address; amount: string; upTo: number; signature: Hex }>(row.releases),
  consumerSignature: hexOf(row.consumer_signature),
  hubSignature: hexOf(row.hub_signature),
})

export const openClosingFrom = (row: Row) => ({
  ...closingFrom(row),
  consumer: addressOf(row.consumer),
  nonce: Number(row.nonce),
})

const amountsAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value

const withAmounts = <Entry extends { amount: string }>(json: unknown): (Entry & { amount: Wei })[] =>
  (JSON.parse(String(json)) as Entry[]).map((entry) => ({ ...entry, amount: wei(BigInt(entry.amount)) }))
