import type pg from 'pg'
import { LedgerUnavailable } from '../ledger.js'
import type { Ask, Row, Statement, Value } from '../store/engine.js'
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
      await this.#writer.query('BEGIN')
      return await this.#all(this.#writer, asks)
    } catch (error) {
      throw asLedgerError(error)
    }
  }

  async more(asks: readonly Ask[]): Promise<Row[][]> {
    try {
      return await this.#all(this.#begun(), asks)
    } catch (error) {
      throw asLedgerError(error)
    }
  }

  async commit(writes: readonly Ask[]): Promise<void> {
    const client = this.#begun()
    try {
      for (const { statement, given } of writes) await client.query(this.#query(statement, given))
      const { command } = await client.query('COMMIT')
      // A transaction that failed before is rolled back by COMMIT, without an error.
      if (command !== 'COMMIT') throw new LedgerUnavailable('The database undid a transaction.')
    } catch (error) {
      throw asLedgerError(error)
    }
    this.#writer = undefined
    client.release()
  }

  async rollback(): Promise<void> {
    const client = this.#writer
    if (!client) return
    this.#writer = undefined
    // A connection that cannot roll back is closed; the server then rolls back by itself.
    await client.query('ROLLBACK').then(
      () => client.release(),
      (error) => client.release(error),
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
