import type { Address, Hex } from '@pontage/shared'
import { addressFrom, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import type { ChannelLine, Tab } from '../../core/channelLine.js'
import type { Promised } from '../../core/credit.js'
import type { Account } from '../../core/solvency.js'
import type { HubStanding } from '../ledger.js'

export interface ChannelRow {
  channel_id: Buffer
  consumer: Buffer
  nonce: number
  status: ChannelLine['status']
  balance: Buffer
  exit_at: number
}
interface TabRow {
  provider: Buffer
  cleared: Buffer
  ceiling: Buffer
  expires_at: number
  drawn: Buffer
  protested: Buffer
  live_ceiling: Buffer | null
}
interface AccountRow {
  provider: Buffer
  total: Buffer
  credited: Buffer
  paid: Buffer
}

/** Reads rows as the domain's own shapes. */
export interface Lines {
  channel(channelId: Hex): ChannelLine | undefined
  open(): ChannelLine[]
  accounts(): Account[]
  promised(provider: Address): Promised
  standing(): HubStanding
}

const noAmount = Buffer.alloc(32)

export function prepareLines(database: Database.Database): Lines {
  const oneChannel = database.prepare('SELECT * FROM channel WHERE channel_id = ?')
  const openChannels = database.prepare("SELECT * FROM channel WHERE status = 'open'")
  const isClosing = database.prepare('SELECT 1 FROM closing WHERE channel_id = ?')
  // A guarantee lives until the block that decisions are made on is younger than its expiry.
  const tabs = database.prepare(`
    SELECT tab.*, (
      SELECT max(guarantee.ceiling) FROM guarantee
      WHERE guarantee.channel_id = tab.channel_id AND guarantee.provider = tab.provider
        AND guarantee.expires_at >= coalesce((SELECT block_at FROM chain WHERE id = 1), 0)
    ) AS live_ceiling
    FROM tab WHERE tab.channel_id = ?`)
  const accounts = database.prepare('SELECT provider, total, credited, paid FROM account')
  const account = database.prepare('SELECT total, unexplained FROM account WHERE provider = ?')
  const chain = database.prepare('SELECT pool, pending_withdrawal, fee_bps FROM chain WHERE id = 1')

  const asLine = (row: ChannelRow): ChannelLine => ({
    channelId: hexFrom(row.channel_id),
    consumer: addressFrom(row.consumer),
    nonce: row.nonce,
    status: row.status,
    balance: amountFrom(row.balance),
    exitAt: row.exit_at,
    closing: isClosing.get(row.channel_id) !== undefined,
    tabs: (tabs.all(row.channel_id) as TabRow[]).map(asTab),
  })
  return {
    channel(channelId) {
      const row = oneChannel.get(hexBlob(channelId)) as ChannelRow | undefined
      return row && asLine(row)
    },
    open: () => (openChannels.all() as ChannelRow[]).map(asLine),
    accounts: () =>
      (accounts.all() as AccountRow[]).map((row) => ({
        provider: addressFrom(row.provider),
        total: amountFrom(row.total),
        credited: amountFrom(row.credited),
        paid: amountFrom(row.paid),
      })),
    promised(provider) {
      const row = account.get(hexBlob(provider)) as { total: Buffer; unexplained: Buffer } | undefined
      return {
        total: amountFrom(row?.total ?? noAmount),
        unexplained: amountFrom(row?.unexplained ?? noAmount),
      }
    },
    standing() {
      const row = chain.get() as { pool: Buffer; pending_withdrawal: Buffer; fee_bps: number } | undefined
      return {
        balance: amountFrom(row?.pool ?? noAmount),
        pendingWithdrawal: amountFrom(row?.pending_withdrawal ?? noAmount),
        feeBps: row?.fee_bps ?? 0,
      }
    },
  }
}

const asTab = (row: TabRow): Tab => ({
  provider: addressFrom(row.provider),
  liveCeiling: amountFrom(row.live_ceiling ?? noAmount),
  ceiling: amountFrom(row.ceiling),
  expiresAt: row.expires_at,
  cleared: amountFrom(row.cleared),
  protested: amountFrom(row.protested),
  drawn: amountFrom(row.drawn),
})
