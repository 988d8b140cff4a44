import type pg from 'pg'
import { LedgerUnavailable } from '../ledger.js'
import { type Ask, Contended, type Row, type Statement, type Value } from '../store/engine.js'
import { asLedgerError, createPool, originOf } from './connection.js'

/** Runs statements on one database. */
export class PostgresStore {
  readonly #pool: pg.Pool
  readonly #names = new Map<string, string>()
  #writer: pg.PoolClient | undefined

  constructor(url: string) {
    this.#pool = createPool(url)
  }

  /** The server that the present transaction is on, and its timeline. */
  get origin(): string {
    return originOf(this.#begun())
  }

  async read(asks: readonly Ask[]): Promise<Row[][]> {
    return this.#with(async (client) => {
      if (asks.length === 1) return this.#all(client, asks)
      // One moment for all: what is read later must fit what was read before.
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      const rows = await this.#all(client, asks)
      await client.query('COMMIT')
      return rows
    })
  }

  async begin(asks: readonly Ask[]): Promise<Row[][]> {
    try {
      this.#writer = await this.#pool.connect()
    } catch (error) {
      throw asLedgerError(error)
    }
    return this.#asWriter(async (client) => {
      await client.query('BEGIN')
      return await this.#all(client, asks)
    })
  }

  more(asks: readonly Ask[]): Promise<Row[][]> {
    return this.#asWriter((client) => this.#all(client, asks))
  }

  async commit(writes: readonly Ask[]): Promise<void> {
    await this.#asWriter(async (client) => {
      for (const { statement, given } of writes) await client.query(this.#query(statement, given))
      await commit(client)
    })
    this.#release()
  }

  async rollback(): Promise<void> {
    const client = this.#writer
    if (!client) return
    await client.query('ROLLBACK').then(
      () => this.#release(),
      () => this.#release(true),
    )
  }

  async close(): Promise<void> {
    await this.rollback()
    await this.#pool.end()
  }

  async #with<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    let client: pg.PoolClient | undefined
    try {
      client = await this.#pool.connect()
      const result = await work(client)
      client.release()
      return result
    } catch (error) {
      client?.release(true)
      throw asLedgerError(error)
    }
  }

  /**
   * Works in the transaction that was begun. A connection on which anything failed is closed, and the server rolls back by itself: what
   * is asked of one that does not answer would only be waited for once more.
   */
  async #asWriter<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.#begun())
    } catch (error) {
      const failure = asLedgerError(error)
      if (!(failure instanceof Contended)) this.#release(true)
      throw failure
    }
  }

  #release(isBroken = false): void {
    const client = this.#writer
    this.#writer = undefined
    client?.release(isBroken)
  }

  #begun(): pg.PoolClient {
    if (!this.#writer) throw new Error('No transaction was begun.')
    return this.#writer
  }

  async #all(client: pg.PoolClient, asks: readonly Ask[]): Promise<Row[][]> {
    const results: Row[][] = []
    for (const { statement, given } of asks)
      results.push(given.length === 0 ? [] : (await client.query<Row>(this.#query(statement, given))).rows)
    return results
  }

  #query({ postgres, kinds }: Statement, given: readonly (readonly Value[])[]): pg.QueryConfig {
    const name = this.#names.get(postgres) ?? `s${this.#names.size}`
    this.#names.set(postgres, name)
    return { name, text: postgres, values: kinds.map((kind, index) => arrayText(kind, given, index)) }
  }
}

/**
 * Ends a transaction.
 *
 * @throws LedgerUnavailable where it was undone, or may not be on every disk that it is to be on.
 */
async function commit(client: pg.PoolClient): Promise<void> {
  const warnings: string[] = []
  const note = (notice: { severity: string | undefined; message: string | undefined }): void => {
    if (notice.severity === 'WARNING') warnings.push(`${notice.message}`)
  }
  client.on('notice', note)
  try {
    const { command } = await client.query('COMMIT')
    // A transaction that failed before is rolled back by COMMIT, without an error.
    if (command !== 'COMMIT') throw new LedgerUnavailable('The database undid a transaction.')
  } finally {
    client.off('notice', note)
  }
  // Whoever cancels the wait for a stand-by has it committed on one disk only, without an error.
  if (warnings.length > 0)
    throw new LedgerUnavailable(
      `The database did not commit as it is to: ${warnings.join('; ')}. Check the server and its stand-by.`,
    )
}

/** One column of the rows as the text of an array. */
function arrayText(kind: string, given: readonly (readonly Value[])[], index: number): string {
  const items = given.map((values) => {
    const value = values[index] ?? null
    if (value === null) return 'NULL'
    if (kind === 'number') return `${value}`
    const text = String(value)
    return kind === 'bytes' ? `"\\\\x${text.slice(2)}"` : `"${text.replace(/["\\]/g, '\\$&')}"`
  })
  return `{${items.join(',')}}`
}
