import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { UserError } from './userError.js'

/** A setting as it stands in a file: its text, or a list of texts. */
export interface Written {
  readonly name: string
  readonly value: string | readonly string[]
  readonly line: number
}

/**
 * The settings in a home's `config.yaml`; none where there is no file. Whatever stands there is text, as it is written:
 * an address is no number, and `0.10` stays what it is.
 *
 * @throws UserError when the file is not made of lines `setting: value`.
 */
export function readConfigurationLines(home: string): Written[] {
  const path = configurationPath(home)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return [] // Defaults and flags serve.
    throw new UserError(
      code === 'EACCES'
        ? `You may not read ${path}. Use sudo, run this as its owner, or give another --home.`
        : `${path} cannot be read: ${message}. Check its permissions.`,
    )
  }
  const lines = new LineCounter()
  const document = parseDocument(text.replace(/^\uFEFF/, ''), { schema: 'failsafe', lineCounter: lines })
  const lineOf = (node: unknown): number => lines.linePos((node as Node | null)?.range?.[0] ?? 0).line
  const [error] = document.errors
  if (error) {
    const reason = error.message.split(/:?\n/)[0]?.replace(/ at line .*$/, '')
    throw notReadable(path, error.linePos?.[0].line ?? 1, `${reason}`)
  }
  const { contents } = document
  if (contents === null || (isScalar(contents) && textOf(contents) === '')) return []
  if (!isMap(contents))
    throw notReadable(path, lineOf(contents), 'expected lines of the form "setting: value"')
  return contents.items.map(({ key, value }): Written => {
    const line = lineOf(key)
    const name = isScalar(key) ? textOf(key) : ''
    if (isSeq(value) && value.items.every(isScalar)) return { name, line, value: value.items.map(textOf) }
    if (value !== null && !isScalar(value))
      throw notReadable(path, line, `${name} is neither a value nor a list of values`)
    return { name, line, value: textOf(value) }
  })
}

/** The same by their names there. */
export const readConfiguration = (home: string): Record<string, Written['value']> =>
  Object.fromEntries(readConfigurationLines(home).map(({ name, value }) => [dashed(name), value]))

export const configurationPath = (home: string): string => join(home, 'config.yaml')

/** `maxPrice` is read as `max-price`, which is how it is written. */
export const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

const textOf = (node: unknown): string => {
  const value = isScalar(node) ? node.value : undefined
  return value === null || value === undefined ? '' : String(value)
}

const notReadable = (path: string, line: number, reason: string): UserError =>
  new UserError(`${path}, line ${line}: ${reason}. Fix the file, or move it away.`)
