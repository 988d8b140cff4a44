import Sqlite from 'better-sqlite3'
import { type Disk, ownDisk } from '../disk.js'

/** Commits that SQLite may leave to the operating system where it does not wait for the disk. */
const commitsBetweenSyncs = 20

/**
 * A database file of the simulated disk: SQLite itself, in memory. With synchronous=FULL each commit is on the disk; with
 * less, SQLite promises less, and a kill takes back what was committed since the last sync. Another copy can be put in its
 * place while a program works on it, as a fail-over does.
 */
export class DatabaseFile {
  #database: Sqlite.Database
  /** What is on the disk, where commits do not wait for it. */
  #synced: Buffer | undefined
  #unsynced = 0

  constructor(
    private readonly disk: Disk,
    copy?: Buffer,
  ) {
    this.#database = new Sqlite(copy ?? ':memory:')
  }

  get database(): Sqlite.Database {
    return this.#database
  }

  replace(copy: Buffer): void {
    this.#database.close()
    this.#database = new Sqlite(copy)
  }

  crash(): void {
    if (this.#synced) this.replace(this.#synced)
    else if (this.#database.inTransaction) this.#database.exec('ROLLBACK')
  }

  /** What a program holds of an open file. */
  handle(): Handle {
    const file = this
    return {
      get inTransaction() {
        return file.#database.inTransaction
      },
      exec: (sql: string) => this.#exec(sql),
      prepare: (sql: string) => new Statement(file, sql),
      pragma(text: string, options?: Sqlite.PragmaOptions) {
        if (/^synchronous = (?!FULL|EXTRA)/i.test(text)) file.#synced = file.#database.serialize()
        return file.#database.pragma(text, options)
      },
      transaction: <Given extends unknown[], Result>(act: (...given: Given) => Result) => {
        const run = (...given: Given) => file.#database.transaction(act)(...given)
        return Object.assign(run, { immediate: run, exclusive: run, deferred: run })
      },
      function: (...given: Parameters<Sqlite.Database['function']>) => file.#database.function(...given),
      // What is prepared here reads small numbers only.
      defaultSafeIntegers: () => undefined,
      // The file stays; whoever opens it next finds the same.
      close: () => undefined,
    }
  }

  #exec(sql: string): void {
    const isCommit = /^COMMIT/i.test(sql)
    if (this.disk.isFull && isCommit)
      throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
    this.#database.exec(sql)
    if (isCommit && this.#synced && ++this.#unsynced % commitsBetweenSyncs === 0)
      this.#synced = this.#database.serialize()
  }
}

/** What of a database the programs use. */
type Handle = object

/** A statement of whatever database is in the file's place when it runs. */
class Statement {
  #prepared: { database: Sqlite.Database; statement: Sqlite.Statement } | undefined
  #isRaw = false
  #isPlucked = false
  #isSafe = false

  constructor(
    private readonly file: DatabaseFile,
    private readonly sql: string,
  ) {}

  get #now(): Sqlite.Statement {
    const { database } = this.file
    if (this.#prepared?.database !== database) {
      const statement = database.prepare(this.sql)
      if (this.#isRaw) statement.raw()
      if (this.#isPlucked) statement.pluck()
      if (this.#isSafe) statement.safeIntegers()
      this.#prepared = { database, statement }
    }
    return (this.#prepared as { statement: Sqlite.Statement }).statement
  }

  get reader(): boolean {
    return this.#now.reader
  }
  raw(): this {
    this.#isRaw = true
    return this
  }
  pluck(): this {
    this.#isPlucked = true
    return this
  }
  safeIntegers(): this {
    this.#isSafe = true
    return this
  }
  run = (...given: unknown[]) => this.#now.run(...given)
  get = (...given: unknown[]) => this.#now.get(...given)
  all = (...given: unknown[]) => this.#now.all(...given)
  iterate = (...given: unknown[]) => this.#now.iterate(...given)
}

function Database(path: string): Handle {
  const disk = ownDisk()
  const file = disk.databases.get(path) ?? new DatabaseFile(disk)
  disk.databases.set(path, file)
  return file.handle()
}

export default Database
