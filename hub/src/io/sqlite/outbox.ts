import { decodeEntry, encodeEntry, hexBlob, type Outbox, type OutboxEntry } from '@pontage/shared/node'
import type Database from 'better-sqlite3'

/** Keeps what the chain writer has to send, and what became of it. */
export function prepareOutbox(database: Database.Database): Outbox {
  const forget = database.prepare("DELETE FROM outbox WHERE intent = ? AND state = 'refused'")
  const insert = database.prepare(`
    INSERT INTO outbox (intent, state, revision, entry) VALUES (?, ?, ?, ?)
    ON CONFLICT (intent) DO NOTHING`)
  const replace = database.prepare(
    'UPDATE outbox SET state = ?, revision = ?, entry = ? WHERE intent = ? AND revision = ?',
  )
  const one = database.prepare('SELECT entry FROM outbox WHERE intent = ?')
  const open = database.prepare(
    "SELECT entry FROM outbox WHERE state IN ('wanted', 'sent', 'mined') ORDER BY number",
  )
  const find = (intent: OutboxEntry['intent']): OutboxEntry | undefined => {
    const row = one.get(hexBlob(intent)) as { entry: string } | undefined
    return row && decodeEntry(row.entry)
  }
  const add = database.transaction((entry: OutboxEntry): OutboxEntry => {
    const { intent, state, revision } = entry
    forget.run(hexBlob(intent))
    insert.run(hexBlob(intent), state, revision, encodeEntry(entry))
    return find(intent) ?? entry
  })
  return {
    add: async (entry) => add.immediate(entry),
    find: async (intent) => find(intent),
    async put(entry) {
      const { intent, state, revision } = entry
      return replace.run(state, revision, encodeEntry(entry), hexBlob(intent), revision - 1).changes === 1
    },
    open: async () => (open.all() as { entry: string }[]).map(({ entry }) => decodeEntry(entry)),
  }
}
