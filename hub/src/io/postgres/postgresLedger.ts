import { UserError } from '@pontage/shared/node'
import { PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Ledger } from '../ledger.js'
import type { Engine } from '../store/engine.js'
import { createLedger } from '../store/ledger.js'
import { migrate, postgresWords } from '../store/schema.js'
import { clientOptions, outliving, prepareConnection, upgradeOptions } from './connection.js'
import { Leadership } from './leadership.js'
import { PostgresStore } from './postgresStore.js'

/**
 * Opens the ledger in a PostgreSQL database, made and brought up to date as needed. Any number of processes may have it
 * open at once.
 *
 * @param url - `postgres://user:password@host/database`.
 * @throws UserError when the database cannot be reached, or does not keep what it commits.
 */
export async function openPostgresLedger(url: string): Promise<Ledger> {
  const name = `The ledger in ${withoutPassword(url)}`
  await prepare(url, name)
  const store = new PostgresStore(url)
  const leadership = new Leadership(url)
  const engine: Engine = {
    isShared: true,
    read: (asks) => store.read(asks),
    begin: (asks) => store.begin(asks),
    more: (asks) => store.more(asks),
    commit: (writes) => store.commit(writes),
    rollback: () => store.rollback(),
    origin: () => store.origin,
    leads: () => leadership.leads(),
    standDown: () => leadership.standDown(),
    problem: async () => undefined,
    async close() {
      await leadership.close()
      await store.close()
    },
  }
  return createLedger(engine, name)
}

async function prepare(url: string, name: string): Promise<void> {
  try {
    // First as everything else is asked: whether the server answers is known soon.
    await prepared(clientOptions(url), async () => undefined)
    await prepared(upgradeOptions(url), (pool) => migrate(new PostgresDialect({ pool }), postgresWords))
  } catch (error) {
    if (error instanceof UserError) throw error
    const { message, code } = error as { message: string; code?: string }
    throw new UserError(`${name} cannot be opened: ${message || code}. Check --database and the server.`, {
      cause: error,
    })
  }
}

/** Works on a connection that was looked at. */
async function prepared(options: pg.ClientConfig, work: (pool: pg.Pool) => Promise<void>): Promise<void> {
  const pool = outliving(new pg.Pool({ ...options, max: 1 }))
  try {
    const client = await pool.connect()
    await prepareConnection(client).finally(() => client.release())
    await work(pool)
  } finally {
    await pool.end()
  }
}

/** The address as it may be shown. */
export function withoutPassword(url: string): string {
  return url.replace(/^([^:]+:\/\/[^:/@]*):[^@/]*@/, '$1@')
}
