import { type Address, type Hex, type Signed, type Wei, wei } from '@pontage/shared'
import { amountBlob, hexBlob } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import { learnTotal } from '../../core/credit.js'
import type { Lines } from './lines.js'

/** Takes in what had left the hub before a restored ledger knew of it. */
export interface Rebuild {
  raiseTotal(order: { provider: Address; total: Wei; signature?: Hex }): Wei
  recallGuarantee(order: { cause: Hex; guarantee: Signed<'Guarantee'> }): boolean
}

export function prepareRebuild(database: Database.Database, lines: Lines): Rebuild {
  const raise = database.prepare(`
    INSERT INTO account (provider, total, unexplained) VALUES (@provider, @total, @unexplained)
    ON CONFLICT (provider) DO UPDATE SET total = excluded.total, unexplained = excluded.unexplained
      WHERE excluded.total > account.total`)
  const keepSignature = database.prepare(`
    UPDATE account SET signed_total = @total, signature = @signature
    WHERE provider = @provider AND signed_total < @total`)
  const isKnown = database.prepare(
    'SELECT 1 FROM guarantee WHERE channel_id = ? AND provider = ? AND ceiling >= ? AND expires_at >= ?',
  )
  const insert = database.prepare(`
    INSERT INTO guarantee (cause, channel_id, provider, ceiling, expires_at, signature)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (cause) DO NOTHING`)
  // The newest guarantee is the one that lasts longest.
  const writeTab = database.prepare(`
    INSERT INTO tab (channel_id, provider, ceiling, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (channel_id, provider) DO UPDATE SET ceiling = excluded.ceiling, expires_at = excluded.expires_at
      WHERE excluded.expires_at > tab.expires_at
        OR (excluded.expires_at = tab.expires_at AND excluded.ceiling > tab.ceiling)`)

  return {
    raiseTotal({ provider, total, signature }) {
      const before = lines.promised(provider)
      const after = learnTotal(before, total)
      const key = hexBlob(provider)
      if (after.total > before.total)
        raise.run({
          provider: key,
          total: amountBlob(after.total),
          unexplained: amountBlob(after.unexplained),
        })
      if (signature !== undefined)
        keepSignature.run({ provider: key, total: amountBlob(total), signature: hexBlob(signature) })
      return wei(after.total - before.total)
    },
    recallGuarantee({ cause, guarantee }) {
      const { channelId, provider, ceiling, expiresAt, signature } = guarantee
      const key = [hexBlob(channelId), hexBlob(provider)] as const
      const amount = amountBlob(ceiling)
      if (isKnown.get(...key, amount, expiresAt) !== undefined) return false
      insert.run(hexBlob(cause), ...key, amount, expiresAt, hexBlob(signature))
      return writeTab.run(...key, amount, expiresAt).changes > 0
    },
  }
}
