import { UserError } from '@pontage/shared/node'
import pg from 'pg'
import { LedgerUnavailable } from '../ledger.js'
import { Contended } from '../store/engine.js'

/** Connections at once: one writes, the others read. */
const connections = 6
const connectTimeoutMs = 5_000
/** Longer than any statement takes: an answer that does not come by then comes no more. */
const answerTimeoutMs = 30_000
const oldestVersion = 15

const parsers: Record<number, (text: string) => unknown> = {
  [pg.types.builtins.BYTEA]: (text) => `0x${text.slice(2)}`,
  [pg.types.builtins.INT8]: Number,
}

/**
 * Connections to one database, made again when they are lost. Each is looked at before it is used: what it commits must
 * be on disk.
 */
export function createPool(url: string): pg.Pool {
  const pool = new pg.Pool({
    ...clientOptions(url),
    max: connections,
    idleTimeoutMillis: 60_000,
    types: {
      getTypeParser: ((id: number, format?: 'text') =>
        parsers[id] ?? pg.types.getTypeParser(id, format)) as typeof pg.types.getTypeParser,
    },
    verify: (client: pg.PoolClient, done: (error?: Error) => void) =>
      void checkDurable(client).then(() => done(), done),
  } as pg.PoolConfig)
  // A connection lost while nobody used it; the next one is made when it is needed.
  pool.on('error', () => undefined)
  return pool
}

export function clientOptions(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    application_name: 'pontage-hub',
    options: '-c lock_timeout=15s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s',
  }
}

/**
 * Whether what this connection commits survives a power cut of the server.
 *
 * @throws UserError when it does not, with what to change.
 */
export async function checkDurable(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
      current_setting('synchronous_commit') AS commits, current_setting('server_version_num')::int AS version,
      pg_is_in_recovery() AS replica`,
  )
  const [{ fsync, pages, commits, version, replica }] = rows
  if (version < oldestVersion * 10_000)
    throw new UserError(
      `The PostgreSQL server has version ${Math.floor(version / 10_000)}; ${oldestVersion} or newer is needed.`,
    )
  if (replica)
    throw new UserError(
      'The PostgreSQL server is a replica, which accepts no writes. Give the primary to --database.',
    )
  for (const [name, value] of [
    ['fsync', fsync],
    ['full_page_writes', pages],
  ])
    if (value !== 'on')
      throw new UserError(
        `The PostgreSQL server runs with ${name} = ${value}: a power cut would lose promises that were answered. Set ${name} = on in its postgresql.conf and restart it.`,
      )
  // What waits for more than the server's own disk is left as it is.
  if (commits !== 'on' && commits !== 'remote_apply') await client.query('SET synchronous_commit = on')
}

/** States of a server or connection that pass, and those that its operator has to end. */
const outages = /^(08|53|57|58|25006|25P03|55P03|XX)/
const contentions = ['40001', '40P01', '23505']

/** The error in the terms of the ledger. */
export function asLedgerError(error: unknown): unknown {
  if (error instanceof Contended || error instanceof LedgerUnavailable) return error
  const { code, message } = error as { code?: string; message: string }
  if (error instanceof pg.DatabaseError) {
    if (contentions.includes(code ?? '')) return new Contended(message, { cause: error })
    if (!outages.test(code ?? '')) return error
  }
  return new LedgerUnavailable(`The database cannot be used: ${message || code || 'no answer'}.`, {
    cause: error,
  })
}
