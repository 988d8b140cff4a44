/** A value of a row: bytes are hexadecimal text with 0x, as everywhere else. */
export type Value = string | number | null
export type Row = Readonly<Record<string, Value>>
export type Kind = 'bytes' | 'number' | 'text'

/** One statement in the words of both engines. It takes any number of rows of values at once. */
export interface Statement {
  readonly sqlite: string
  readonly postgres: string
  /** Of each value of a row. */
  readonly kinds: readonly Kind[]
}

/** A statement with the rows of values it is to run with; one empty row where it takes none. */
export interface Ask {
  readonly statement: Statement
  readonly given: readonly (readonly Value[])[]
}

/**
 * Runs statements durably. One transaction at a time: whoever begins one must commit it or roll it back before the
 * next. Every method throws LedgerUnavailable while the store cannot be reached or written.
 */
export interface Engine {
  /** Whether other processes may work on the same store at the same time. */
  readonly isShared: boolean
  /** Reads outside of a transaction, all as of one moment. */
  read(asks: readonly Ask[]): Promise<readonly (readonly Row[])[]>
  /** Begins a transaction and reads in it; what is read with `{lock}` stays as it is until the end. */
  begin(asks: readonly Ask[]): Promise<readonly (readonly Row[])[]>
  /** Reads more within the transaction. */
  more(asks: readonly Ask[]): Promise<readonly (readonly Row[])[]>
  /** Writes and ends the transaction: on disk when it returns. @throws Contended when it is to be begun again */
  commit(writes: readonly Ask[]): Promise<void>
  rollback(): Promise<void>
  /**
   * Which server, and which of its histories, the present transaction is on; empty where there is only a file. It is
   * another after a fail-over.
   */
  origin(): string
  /** Whether this process is the one, of all on this database, that may write to the chain now. */
  leads(): Promise<boolean>
  /** Leaves writing to the chain to another process for a while, where there is one. */
  standDown(): void
  /** What is wrong with the store itself; undefined while it is intact. */
  problem(): Promise<string | undefined>
  close(): Promise<void>
}

/** The setting that holds `Engine.origin`. It is not part of a dump: another store has another origin. */
export const originName = 'origin'

/** Another process came in between: nothing was written, and trying again helps. */
export class Contended extends Error {
  override name = 'Contended'
}

/**
 * Writes a statement once for both engines:
 *
 * - `{rows:bytes,number}` the rows given, as what INSERT takes
 * - `{among:bytes}` after a column (or several in brackets): is one of the rows given
 * - `{with:bytes}` in front: one row is given, its values are `?1`, `?2` … in this order
 * - `{lock}` at the end of a SELECT: others wait
 * - `{max}` the larger of several values
 */
export function statement(text: string): Statement {
  const kinds = (/\{(?:rows|among|with):([a-z,]+)\}/.exec(text)?.[1]?.split(',') ?? []) as Kind[]
  const marks = kinds.map(() => '?').join(', ')
  const arrays = kinds.map((kind, index) => `$${index + 1}::${arrayOf[kind]}`).join(', ')
  const fill = (rows: string, among: string, lock: string, max: string) =>
    text
      .replace(/\{rows:[a-z,]+\}/, rows)
      .replace(/\{among:[a-z,]+\}/, among)
      .replace(/\{with:[a-z,]+\}/, '')
      .replace('{lock}', lock)
      .replaceAll('{max}', max)
  return {
    sqlite: fill(`VALUES (${marks})`, kinds.length === 1 ? '= ?' : `= (${marks})`, '', 'max').replace(
      /\?\d+/g,
      '?',
    ),
    postgres: fill(
      `SELECT * FROM unnest(${arrays})`,
      kinds.length === 1 ? `= ANY(${arrays})` : `IN (SELECT * FROM unnest(${arrays}))`,
      'FOR UPDATE',
      'greatest',
    ).replace(/\?(\d+)/g, (_mark, n: string) => `($${n}::${arrayOf[kinds[Number(n) - 1] ?? 'text']})[1]`),
    kinds,
  }
}

/** A statement that the engines have to be told in different words. */
export const inBothWords = (kinds: readonly Kind[], sqlite: string, postgres: string): Statement => ({
  sqlite,
  postgres,
  kinds,
})

const arrayOf: Record<Kind, string> = { bytes: 'bytea[]', number: 'bigint[]', text: 'text[]' }

/** A statement that takes no values. */
export const plain = (one: Statement): Ask => ({ statement: one, given: [[]] })
