import { type Address, type Hex, refuse, type Signed, type Verdict } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import type { GrantOrder } from '../ledger.js'
import type { Lines } from './lines.js'

/** Keeps the guarantees given. */
export interface Guarantees {
  grant(order: GrantOrder): Verdict<{ guarantee: Signed<'Guarantee'> }>
  record(cause: Hex, guarantee: Signed<'Guarantee'>): void
  /** Channels on which this provider was ever given one, and that are open. */
  channelsOf(provider: Address): Hex[]
}

interface GuaranteeRow {
  channel_id: Buffer
  provider: Buffer
  ceiling: Buffer
  expires_at: number
  signature: Buffer
}

export function prepareGuarantees(database: Database.Database, lines: Lines): Guarantees {
  const given = database.prepare('SELECT * FROM guarantee WHERE cause = ?')
  const insert = database.prepare(`
    INSERT INTO guarantee (cause, channel_id, provider, ceiling, expires_at, signature)
    VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (cause) DO NOTHING`)
  const writeTab = database.prepare(`
    INSERT INTO tab (channel_id, provider, ceiling, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (channel_id, provider) DO UPDATE SET ceiling = excluded.ceiling,
      expires_at = max(tab.expires_at, excluded.expires_at)`)
  const channels = database.prepare(`
    SELECT tab.channel_id FROM tab JOIN channel ON channel.channel_id = tab.channel_id
    WHERE tab.provider = ? AND tab.expires_at > 0 AND channel.status = 'open'`)

  const record: Guarantees['record'] = (cause, guarantee) => {
    const { channelId, provider, ceiling, expiresAt, signature } = guarantee
    const key = [hexBlob(channelId), hexBlob(provider)] as const
    insert.run(hexBlob(cause), ...key, amountBlob(ceiling), expiresAt, hexBlob(signature))
    writeTab.run(...key, amountBlob(ceiling), expiresAt)
  }
  return {
    record,
    grant({ cause, channelId, decide, sign }) {
      const row = given.get(hexBlob(cause)) as GuaranteeRow | undefined
      if (row) return { ok: true, guarantee: asGuarantee(row) }
      const line = lines.channel(channelId)
      if (!line) return refuse({ code: 'unknown-channel', channelId })
      const verdict = decide(line)
      if (!verdict.ok) return verdict
      const guarantee = sign()
      record(cause, guarantee)
      return { ok: true, guarantee }
    },
    channelsOf: (provider) =>
      (channels.all(hexBlob(provider)) as { channel_id: Buffer }[]).map((row) => hexFrom(row.channel_id)),
  }
}

const asGuarantee = (row: GuaranteeRow): Signed<'Guarantee'> => ({
  channelId: hexFrom(row.channel_id),
  provider: addressFrom(row.provider),
  ceiling: amountFrom(row.ceiling),
  expiresAt: row.expires_at,
  signature: hexFrom(row.signature),
})
