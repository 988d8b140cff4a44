import { type Address, type Hex, refuse, type Verdict, type Wei, wei } from '@pontage/shared'
import { addressFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import type { ChannelLine } from '../../core/channelLine.js'
import type { Closing } from '../ledger.js'
import type { Lines } from './lines.js'

/** Keeps the final states signed. */
export interface Closings {
  record(order: {
    channelId: Hex
    decide: (line: ChannelLine) => Verdict
    sign: () => Closing
  }): Verdict<{ closing: Closing }>
  of(channelId: Hex): Closing | undefined
  open(): (Closing & { consumer: Address; nonce: number })[]
}

interface ClosingRow {
  channel_id: Buffer
  turn_num: number
  totals: string
  releases: string
  consumer_signature: Buffer
  hub_signature: Buffer
}

export function prepareClosings(database: Database.Database, lines: Lines): Closings {
  const one = database.prepare('SELECT * FROM closing WHERE channel_id = ?')
  const insert = database.prepare(`
    INSERT INTO closing (channel_id, turn_num, totals, releases, consumer_signature, hub_signature)
    VALUES (?, ?, ?, ?, ?, ?)`)
  const open = database.prepare(`
    SELECT closing.*, channel.consumer, channel.nonce
    FROM closing JOIN channel ON channel.channel_id = closing.channel_id WHERE channel.status = 'open'`)

  return {
    record({ channelId, decide, sign }) {
      const line = lines.channel(channelId)
      if (!line) return refuse({ code: 'unknown-channel', channelId })
      const verdict = decide(line)
      if (!verdict.ok) return verdict
      const closing = sign()
      insert.run(
        hexBlob(channelId),
        closing.turnNum,
        JSON.stringify(closing.totals, amountsAsText),
        JSON.stringify(closing.releases, amountsAsText),
        hexBlob(closing.consumerSignature),
        hexBlob(closing.hubSignature),
      )
      return { ok: true, closing }
    },
    of(channelId) {
      const row = one.get(hexBlob(channelId)) as ClosingRow | undefined
      return row && asClosing(row)
    },
    open: () =>
      (open.all() as (ClosingRow & { consumer: Buffer; nonce: number })[]).map((row) => ({
        ...asClosing(row),
        consumer: addressFrom(row.consumer),
        nonce: row.nonce,
      })),
  }
}

const amountsAsText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value

const withAmounts = <Entry extends { amount: string }>(json: string): (Entry & { amount: Wei })[] =>
  (JSON.parse(json) as Entry[]).map((entry) => ({ ...entry, amount: wei(BigInt(entry.amount)) }))

const asClosing = (row: ClosingRow): Closing => ({
  channelId: hexFrom(row.channel_id),
  turnNum: row.turn_num,
  totals: withAmounts<{ provider: Address; amount: string }>(row.totals),
  releases: withAmounts<{ provider: Address; amount: string; upTo: number; signature: Hex }>(row.releases),
  consumerSignature: hexFrom(row.consumer_signature),
  hubSignature: hexFrom(row.hub_signature),
})
