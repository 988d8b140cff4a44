import { SqliteDialect } from 'kysely'
import type { Ledger } from '../ledger.js'
import { createLedger } from '../store/ledger.js'
import { migrate, sqliteWords } from '../store/schema.js'
import { openDatabase } from './open.js'
import { sqliteEngine } from './sqliteEngine.js'

/** Opens the ledger in one file, made and brought up to date as needed. */
export async function openSqliteLedger(path: string): Promise<Ledger> {
  const database = openDatabase(path)
  try {
    await migrate(new SqliteDialect({ database }), sqliteWords)
  } finally {
    database.close()
  }
  return createLedger(sqliteEngine(path), `The ledger ${path}`)
}
