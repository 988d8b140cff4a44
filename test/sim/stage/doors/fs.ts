import { existsSync as isReal, readFileSync as readReal } from 'node:fs'
import { absent, ownDisk } from '../disk.js'

export { constants } from 'node:fs'

const handles = new Map<number, string>()
let next = 1_000

export function openSync(path: string, _flags?: unknown, mode = 0o600): number {
  const disk = ownDisk()
  if (!disk.exists(path) && !disk.databases.has(path)) disk.make(path, mode)
  handles.set(++next, path)
  return next
}

export function closeSync(handle: number): void {
  handles.delete(handle)
}

/** A program's own code and tables, which come with it. */
const isOwn = (path: string | URL): boolean => /\.(js|json)$/.test(String(path)) && isReal(path)

export const existsSync = (path: string): boolean => ownDisk().exists(path) || isOwn(path)
export const chmodSync = (): void => undefined
/** Every machine has one user. */
export const accessSync = (): void => undefined

export function readFileSync(path: string | URL, encoding?: BufferEncoding): string | Buffer {
  const file = ownDisk().file(String(path))
  if (!file && isOwn(path)) return readReal(path, encoding)
  if (!file) throw absent(String(path))
  return encoding === undefined ? file.data : file.data.toString(encoding)
}

export const readdirSync = (path: string): string[] => ownDisk().list(path)

const unmodelled = (name: string) => () => {
  throw new Error(`The simulation has no ${name}.`)
}
export const lstatSync = unmodelled('lstatSync')
export const mkdirSync = (path: string): void => ownDisk().makeFolder(path)
export const rmSync = (path: string): void => void ownDisk().remove(path)
export const writeFileSync = unmodelled('writeFileSync')
export const fstatSync = unmodelled('fstatSync')
export const ftruncateSync = unmodelled('ftruncateSync')
export const readlinkSync = (path: string): string => readFileSync(path, 'utf8') as string
export const statSync = unmodelled('statSync')
