import type Database from 'better-sqlite3'
import type { Ask, Row, Statement, Value } from '../store/engine.js'
import { openDatabase } from './open.js'

/** Runs statements on one file, each call to its end. */
export class SqliteStore {
  readonly #database: Database.Database
  readonly #prepared = new Map<string, Database.Statement>()

  constructor(path: string) {
    this.#database = openDatabase(path)
  }

  read(asks: readonly Ask[]): Row[][] {
    const all = () => asks.map((ask) => this.#rows(ask))
    // One moment for all: what is read later must fit what was read before.
    return asks.length === 1 || this.#database.inTransaction ? all() : this.#database.transaction(all)()
  }

  begin(asks: readonly Ask[]): Row[][] {
    this.#database.exec('BEGIN IMMEDIATE')
    return this.read(asks)
  }

  commit(writes: readonly Ask[]): void {
    try {
      for (const { statement, given } of writes) {
        const prepared = this.#prepare(statement)
        for (const values of given) prepared.run(values.map((value, index) => bound(statement, value, index)))
      }
      this.#database.exec('COMMIT')
    } catch (error) {
      // At once: whoever reads next must not see what was not kept.
      this.rollback()
      throw error
    }
  }

  /** Some failures end the transaction by themselves. */
  rollback(): void {
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
  }

  problem(): string | undefined {
    const found = this.#database.pragma('quick_check(1)', { simple: true }) as string
    return found === 'ok' ? undefined : found
  }

  close(): void {
    this.#database.close()
  }

  #rows({ statement, given }: Ask): Row[] {
    if (given.length === 0) return []
    const prepared = this.#prepare(statement)
    return given.flatMap((values) =>
      (prepared.all(values.map((value, index) => bound(statement, value, index))) as Stored[]).map(shown),
    )
  }

  #prepare({ sqlite }: Statement): Database.Statement {
    const known = this.#prepared.get(sqlite)
    if (known) return known
    const prepared = this.#database.prepare(sqlite)
    this.#prepared.set(sqlite, prepared)
    return prepared
  }
}

type Stored = Record<string, Buffer | string | number | null>

function shown(row: Stored): Row {
  for (const key in row) {
    const value = row[key]
    if (value instanceof Buffer) row[key] = `0x${value.toString('hex')}`
  }
  return row as Row
}

const bound = ({ kinds }: Statement, value: Value, index: number): Buffer | string | number | null =>
  typeof value === 'string' && kinds[index] === 'bytes' ? Buffer.from(value.slice(2), 'hex') : value
