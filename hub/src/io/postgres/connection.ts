import { UserError } from '@pontage/shared/node'
import pg from 'pg'
import { LedgerUnavailable } from '../ledger.js'
import { Contended } from '../store/engine.js'
import { ledgerVersion, postgresWords } from '../store/schema.js'

/** Connections at once: one writes, the others read. */
const connections = 6
const connectTimeoutMs = 5_000
/** Longer than any statement takes: an answer that does not come by then comes no more. */
const answerTimeoutMs = 30_000
/** An upgrade rewrites whole tables, which takes as long as they are large. */
const upgradeTimeoutMs = 3_600_000
const oldestVersion = 15
/** By which a hub's connections are known on the server. */
const applicationName = 'pontage-hub'

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
      void prepareConnection(client).then(() => done(), done),
  } as pg.PoolConfig)
  return outliving(pool)
}

/**
 * A pool whose connections may be lost at any moment: in the middle of a transaction, too, where it listens to none of them.
 * Whoever uses one is told by what is asked of it; the next one is made when it is needed.
 */
export function outliving(pool: pg.Pool): pg.Pool {
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

export const clientOptions = (url: string): pg.ClientConfig => optionsWithin(url, answerTimeoutMs)

/** The same for what upgrades the tables. */
export const upgradeOptions = (url: string): pg.ClientConfig => optionsWithin(url, upgradeTimeoutMs)

const optionsWithin = (url: string, statementMs: number): pg.ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: connectTimeoutMs,
  query_timeout: statementMs,
  keepAlive: true,
  application_name: applicationName,
  options: [
    ...[noticeDeath, '-c lock_timeout=15s', `-c statement_timeout=${statementMs}`],
    '-c idle_in_transaction_session_timeout=30s',
    // Whatever a role is set to: what a commit is warned of must arrive.
    '-c client_min_messages=warning',
  ].join(' '),
})

/**
 * A server that cannot reach a hub's machine any more must find out within seconds: until then what that holds is held, such as who
 * writes to the chain, and which version works here. It means nothing on a local socket, which ends with its process.
 */
export const noticeDeath =
  '-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3 -c tcp_user_timeout=5000'

const origins = new WeakMap<pg.ClientBase, string>()

/** The server of a prepared connection, and its timeline: a stand-by that took over has another. */
export const originOf = (client: pg.ClientBase): string => origins.get(client) ?? ''

/** Looks at a new connection before it is used. @throws UserError when it must not be */
export async function prepareConnection(client: pg.ClientBase): Promise<void> {
  await checkDurable(client)
  await joinVersion(client)
  const { rows } = await client.query(
    `SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system,
      substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) AS timeline`,
  )
  origins.set(client, `${rows[0].system} ${rows[0].timeline}`)
}

/** Advisory locks under this number say which version works on a database. */
const versionLocks = 0x706f6e74

/**
 * Says for as long as this connection stands that this version works on the database. Each says so before it looks, so
 * that of two that come at once none overlooks the other.
 *
 * @throws UserError when another version works on it.
 */
export async function joinVersion(client: pg.ClientBase): Promise<void> {
  const version = ledgerVersion(postgresWords)
  await client.query(`SELECT pg_advisory_lock_shared(${versionLocks}, ${version})`)
  for (let looks = 1; ; looks++) {
    const { rows } = await client.query(findOthers(version))
    const [{ differ, silent }] = rows
    if (!differ && !silent) return
    // One that says nothing may be about to: it has just connected.
    if (differ || looks === silentLooks) break
    await new Promise((resolve) => setTimeout(resolve, silentLookMs))
  }
  await client.query(`SELECT pg_advisory_unlock_shared(${versionLocks}, ${version})`)
  throw new UserError(
    'Another version of pontage-hub works on this database. Stop every process of it before a newer one starts.',
  )
}

/** Looks, and milliseconds between them, at a hub's connection that does not say of which version it is. */
const silentLooks = 10
const silentLookMs = 300

/** Whether others work on this database who say another version, or none: so did versions before there were such locks. */
const findOthers = (version: number): string => `
  SELECT
    EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = ${versionLocks} AND objid <> ${version}
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS differ,
    EXISTS (SELECT 1 FROM pg_stat_activity AS other WHERE other.datname = current_database()
      AND other.application_name = '${applicationName}' AND other.pid <> pg_backend_pid()
      AND NOT EXISTS (SELECT 1 FROM pg_locks WHERE pg_locks.pid = other.pid AND locktype = 'advisory'
        AND classid = ${versionLocks} AND granted)) AS silent`

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
const outages = /^(08|25|28|3D|42501|53|55|57|58|XX)/
const contentions = ['40001', '40P01', '23505']

/** The error in the terms of the ledger. */
export function asLedgerError(error: unknown): unknown {
  if (error instanceof Contended || error instanceof LedgerUnavailable) return error
  const { code, message } = error as { code?: string; message: string }
  if (error instanceof pg.DatabaseError) {
    if (contentions.includes(code ?? '')) return new Contended(message, { cause: error })
    if (!outages.test(code ?? '')) return error
  }
  return new LedgerUnavailable(
    `The database cannot be used: ${(message || code || 'no answer').replace(/\.$/, '')}. Check --database and the server.`,
    { cause: error },
  )
}
