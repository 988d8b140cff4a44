import { createHash } from 'node:crypto'
import { UserError } from '@pontage/shared/node'
import { contents, type DumpedRow } from './store/dump.js'
import type { Row, Value } from './store/engine.js'

/**
 * A ledger as text: one JSON object a line. The first names the format and the columns of each table; then one line a
 * row, `{"table":"channel","row":{…}}`, bytes as 0x and hexadecimal digits; the last counts the rows and holds the
 * SHA-256 of all lines before it, so that a file that was cut or changed is recognised.
 */
const format = 'pontage-hub-ledger'
const version = 1

export function* ledgerLines(rows: readonly DumpedRow[]): Generator<string> {
  const digest = createHash('sha256')
  const line = (value: object): string => {
    const text = `${JSON.stringify(value)}\n`
    digest.update(text)
    return text
  }
  yield line({ format, version, tables: contents })
  for (const { table, row } of rows) yield line({ table, row })
  yield `${JSON.stringify({ rows: rows.length, sha256: digest.digest('hex') })}\n`
}

/** @throws UserError naming the line that is not as it should be. */
export function rowsFrom(text: string): DumpedRow[] {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.length < 2) throw wrong(lines.length, 'the file is incomplete')
  const parsed = lines.map((line, index) => {
    try {
      return JSON.parse(line)
    } catch {
      throw wrong(index + 1, 'it is not JSON')
    }
  })
  const [head, ...rest] = parsed
  const tail = rest.pop()
  if (head?.format !== format) throw wrong(1, `it does not begin with {"format":"${format}"`)
  if (head.version !== version || JSON.stringify(head.tables) !== JSON.stringify(contents))
    throw wrong(1, 'it was written by another version of pontage-hub: export and import with the same one')
  const sha256 = createHash('sha256')
    .update(`${lines.slice(0, -1).join('\n')}\n`)
    .digest('hex')
  if (tail?.rows !== rest.length || tail.sha256 !== sha256)
    throw wrong(lines.length, 'the rows before it were changed or are incomplete')
  return rest.map((each, index) => checked(each, index + 2))
}

function checked(value: { table?: unknown; row?: unknown } | null, line: number): DumpedRow {
  const table = String(value?.table)
  const columns = Object.hasOwn(contents, table) ? contents[table] : undefined
  if (!columns) throw wrong(line, `there is no table ${table.slice(0, 40)}`)
  const row = (value?.row ?? {}) as Row
  for (const [column, kind] of Object.entries(columns))
    if (!fits(kind, row[column])) throw wrong(line, `${table}.${column} is not of kind ${kind}`)
  return { table, row }
}

function fits(kind: string, value: Value | undefined): boolean {
  if (value === null) return true // The database says where something must be.
  if (kind === 'number') return Number.isSafeInteger(value)
  return typeof value === 'string' && (kind === 'text' || /^0x([0-9a-f]{2})*$/.test(value))
}

const wrong = (line: number, problem: string): UserError =>
  new UserError(`This ledger cannot be imported: line ${line}: ${problem}. Export it again.`)
