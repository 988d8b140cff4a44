import { decodeEntry, encodeEntry, hexBlob, type Outbox, type OutboxEntry } from '@pontage/shared/node'
import type { Db } from './storeSchema.js'

/** What the chain writer has to send, and what became of it, in the home's store. */
export function openOutbox(db: Db): Outbox {
  const rowOf = db.prepare<[Buffer], { entry: string }>('SELECT entry FROM outbox WHERE intent = ?')
  const find = (intent: OutboxEntry['intent']): OutboxEntry | undefined => {
    const row = rowOf.get(hexBlob(intent))
    return row && decodeEntry(row.entry)
  }
  const forgetRefused = db.prepare("DELETE FROM outbox WHERE intent = ? AND state = 'refused'")
  const insert = db.prepare(
    'INSERT INTO outbox (intent, state, revision, entry) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const add = db.transaction((entry: OutboxEntry): OutboxEntry => {
    const intent = hexBlob(entry.intent)
    forgetRefused.run(intent)
    insert.run(intent, entry.state, entry.revision, encodeEntry(entry))
    return find(entry.intent) ?? entry
  })
  const replace = db.prepare(
    'UPDATE outbox SET state = ?, revision = ?, entry = ? WHERE intent = ? AND revision = ?',
  )
  const open = db.prepare<[], { entry: string }>(
    "SELECT entry FROM outbox WHERE state IN ('wanted', 'sent', 'mined') ORDER BY number",
  )
  const forget = db.prepare(
    "DELETE FROM outbox WHERE state IN ('done', 'refused') AND coalesce(json_extract(entry, '$.settledAt'), 0) < ?",
  )
  return {
    add: async (entry) => add.immediate(entry),
    find: async (intent) => find(intent),
    put: async (entry) => {
      const { intent, state, revision } = entry
      return replace.run(state, revision, encodeEntry(entry), hexBlob(intent), revision - 1).changes === 1
    },
    open: async () => open.all().map(({ entry }) => decodeEntry(entry)),
    forget: async (before) => void forget.run(before),
  }
}
