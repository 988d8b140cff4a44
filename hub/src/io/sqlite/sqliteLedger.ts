import { SqliteDialect } from 'kysely'
import { type Ledger, LedgerUnavailable } from '../ledger.js'
import type { Engine } from '../store/engine.js'
import { createLedger } from '../store/ledger.js'
import { migrate, sqliteWords } from '../store/schema.js'
import { openDatabase } from './open.js'
import { SqliteStore } from './sqliteStore.js'

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

function sqliteEngine(path: string): Engine {
  const store = new SqliteStore(path)
  const available = async <Result>(work: () => Result): Promise<Result> => {
    try {
      return work()
    } catch (error) {
      throw unavailable(path, error)
    }
  }
  return {
    read: (asks) => available(() => store.read(asks)),
    begin: (asks) => available(() => store.begin(asks)),
    more: (asks) => available(() => store.read(asks)),
    commit: (writes) => available(() => store.commit(writes)),
    rollback: () => available(() => store.rollback()),
    leads: async () => true,
    problem: async () => store.problem(),
    close: async () => store.close(),
  }
}

/** What the operator has to mend, told from what the program did wrong. */
const ailments = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_BUSY', 'SQLITE_CANTOPEN', 'SQLITE_READONLY']

function unavailable(path: string, error: unknown): unknown {
  const { code = '', message } = error as { code?: string; message: string }
  if (!ailments.some((ailment) => code.startsWith(ailment))) return error
  return new LedgerUnavailable(`The ledger ${path} cannot be written: ${message} (${code}).`, {
    cause: error,
  })
}
