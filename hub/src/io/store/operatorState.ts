import type { Blocked, NoteName } from '../ledger.js'
import { plain, type Row, statement } from './engine.js'
import { addressOf } from './rows.js'

// What the operator decided, and what the hub noted of itself: a few rows that each decision may need.

export const readNotes = plain(statement('SELECT name, text FROM note'))
export const readBlocked = plain(statement('SELECT identity, since FROM blocked ORDER BY since, identity'))

export const writeNote = statement(
  'INSERT INTO note (name, text) {rows:text,text} ON CONFLICT (name) DO UPDATE SET text = excluded.text',
)

export const notesFrom = (rows: readonly Row[]): ReadonlyMap<NoteName, string> =>
  new Map(rows.map((row) => [row.name as NoteName, String(row.text)]))

export const blockedFrom = (row: Row): Blocked => ({
  identity: addressOf(row.identity),
  since: Number(row.since),
})
