import { addressFrom, hexBlob } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import type { Ledger } from '../ledger.js'

/** Keeps what the operator decided. */
export type Notes = Pick<Ledger, 'blocked' | 'block' | 'unblock' | 'note' | 'writeNote'>

export function prepareNotes(database: Database.Database): Notes {
  const readBlocked = database.prepare('SELECT identity, since FROM blocked ORDER BY since, identity')
  const writeBlocked = database.prepare(
    'INSERT INTO blocked (identity, since) VALUES (?, ?) ON CONFLICT (identity) DO NOTHING',
  )
  const deleteBlocked = database.prepare('DELETE FROM blocked WHERE identity = ?')
  const readNote = database.prepare('SELECT text FROM note WHERE name = ?')
  const deleteNote = database.prepare('DELETE FROM note WHERE name = ?')
  const writeNote = database.prepare(
    'INSERT INTO note (name, text) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text',
  )
  return {
    blocked: async () =>
      (readBlocked.all() as { identity: Buffer; since: number }[]).map(({ identity, since }) => ({
        identity: addressFrom(identity),
        since,
      })),
    block: async ({ identity, since }) => {
      writeBlocked.run(hexBlob(identity), since)
    },
    unblock: async (identity) => deleteBlocked.run(hexBlob(identity)).changes > 0,
    note: async (name) => (readNote.get(name) as { text: string } | undefined)?.text,
    writeNote: async (name, text) => {
      if (text === undefined) deleteNote.run(name)
      else writeNote.run(name, text)
    },
  }
}
