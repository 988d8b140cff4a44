import type { Address, Hex, Wei } from '@pontage/shared'
import { amountBlob, amountFrom, hexBlob } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import { addCredit, creditFor } from '../../core/credit.js'
import type { ChainUpdate, Cursor } from '../ledger.js'
import type { Lines } from './lines.js'

/** Keeps what the ledger knows of the chain. */
export interface ChainMirror {
  cursor(): Cursor | undefined
  apply(update: ChainUpdate): void
}

export function prepareChainMirror(database: Database.Database, lines: Lines): ChainMirror {
  const readCursor = database.prepare(
    'SELECT block_number AS number, block_hash AS hash, block_at AS at FROM chain WHERE id = 1',
  )
  const writeCursor = database.prepare(`
    INSERT INTO chain (id, block_number, block_hash, block_at, pool, pending_withdrawal, fee_bps)
    VALUES (1, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET block_number = excluded.block_number, block_hash = excluded.block_hash,
      block_at = excluded.block_at, pool = excluded.pool, pending_withdrawal = excluded.pending_withdrawal,
      fee_bps = excluded.fee_bps`)
  const writeChannel = database.prepare(`
    INSERT INTO channel (channel_id, consumer, nonce, status, balance, exit_at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (channel_id) DO UPDATE SET status = excluded.status, balance = excluded.balance,
      exit_at = excluded.exit_at`)
  const writeTab = database.prepare(`
    INSERT INTO tab (channel_id, provider, drawn, protested) VALUES (?, ?, ?, ?)
    ON CONFLICT (channel_id, provider) DO UPDATE SET drawn = excluded.drawn, protested = excluded.protested`)
  const writeAccount = database.prepare(`
    INSERT INTO account (provider, credited, paid) VALUES (?, ?, ?)
    ON CONFLICT (provider) DO UPDATE SET credited = excluded.credited, paid = excluded.paid`)
  const readCleared = database.prepare('SELECT cleared FROM tab WHERE channel_id = ? AND provider = ?')
  const writeCleared = database.prepare('UPDATE tab SET cleared = ? WHERE channel_id = ? AND provider = ?')
  const writeTotal = database.prepare(`
    INSERT INTO account (provider, total, unexplained) VALUES (?, ?, ?)
    ON CONFLICT (provider) DO UPDATE SET total = excluded.total, unexplained = excluded.unexplained
      WHERE excluded.total >= account.total`)
  const prune = database.prepare('DELETE FROM guarantee WHERE expires_at < ?')

  /** What a provider drew before it cleared is in its account on chain, so the promise to it must include it. */
  const creditDrawn = (channelId: Hex, provider: Address, drawn: Wei, feeBps: number): void => {
    const key = [hexBlob(channelId), hexBlob(provider)] as const
    const cleared = amountFrom((readCleared.get(...key) as { cleared: Buffer }).cleared)
    if (drawn <= cleared) return
    writeCleared.run(amountBlob(drawn), ...key)
    const { total, unexplained } = addCredit(lines.promised(provider), creditFor(cleared, drawn, feeBps))
    writeTotal.run(key[1], amountBlob(total), amountBlob(unexplained))
  }

  return {
    cursor: () => readCursor.get() as Cursor | undefined,
    apply({ cursor, hub, channels, tabs, accounts }) {
      for (const channel of channels)
        writeChannel.run(
          hexBlob(channel.channelId),
          hexBlob(channel.consumer),
          channel.nonce,
          channel.status,
          amountBlob(channel.balance),
          channel.exitAt,
        )
      for (const tab of tabs) {
        const { channelId, provider, drawn } = tab
        writeTab.run(hexBlob(channelId), hexBlob(provider), amountBlob(drawn), amountBlob(tab.protested))
        creditDrawn(channelId, provider, drawn, hub.feeBps)
      }
      for (const { provider, credited, paid } of accounts)
        writeAccount.run(hexBlob(provider), amountBlob(credited), amountBlob(paid))
      prune.run(cursor.at)
      writeCursor.run(
        cursor.number,
        cursor.hash,
        cursor.at,
        amountBlob(hub.balance),
        amountBlob(hub.pendingWithdrawal),
        hub.feeBps,
      )
    },
  }
}
