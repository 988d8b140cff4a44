import type { DatabaseFile } from './doors/sqlite.js'
import { timeline } from './timeline.js'

interface File {
  data: Buffer
  /** What a power cut leaves of it. */
  synced: Buffer
  mode: number
  /** Milliseconds since the world began. */
  changedAt: number
}

/** The disk of one machine: what was not synced is lost when its program is killed. */
export class Disk {
  /** Writes fail for want of room. */
  isFull = false
  #files = new Map<string, File>()
  /** Names as they are on the disk; what was made or moved since is lost at a kill. */
  #synced = new Map<string, File>()
  readonly #folders = new Set<string>(['/'])
  readonly databases = new Map<string, DatabaseFile>()

  file(path: string): File | undefined {
    return this.#files.get(path)
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path)
  }

  exists(path: string): boolean {
    return this.#files.has(path) || this.#folders.has(path) || this.databases.has(path)
  }

  makeFolder(path: string): void {
    for (let at = path; at.length > 1; at = at.slice(0, Math.max(1, at.lastIndexOf('/'))))
      this.#folders.add(at)
  }

  make(path: string, mode: number): File {
    const file = { data: Buffer.alloc(0), synced: Buffer.alloc(0), mode, changedAt: timeline().nowMs }
    this.#files.set(path, file)
    return file
  }

  move(from: string, to: string): void {
    const file = this.#files.get(from)
    if (!file) throw absent(from)
    this.#files.delete(from)
    this.#files.set(to, file)
  }

  remove(path: string): boolean {
    const was = this.#files.delete(path) || this.#folders.delete(path)
    return this.databases.delete(path) || was
  }

  list(folder: string): string[] {
    const inside = (path: string) =>
      path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/')
    return [...this.#files.keys(), ...this.#folders, ...this.databases.keys()]
      .filter(inside)
      .map((path) => path.slice(folder.length + 1))
      .sort()
  }

  /** Makes names in a folder last. */
  syncFolder(folder: string): void {
    const isIn = (path: string) => path.slice(0, path.lastIndexOf('/')) === folder
    for (const path of [...this.#synced.keys()]) if (isIn(path)) this.#synced.delete(path)
    for (const [path, file] of this.#files) if (isIn(path)) this.#synced.set(path, file)
  }

  /** Puts a file there as a person would, on the disk for good. */
  place(path: string, text: string): void {
    this.makeFolder(path.slice(0, path.lastIndexOf('/')))
    const file = this.make(path, 0o600)
    file.data = Buffer.from(text)
    file.synced = file.data
    this.#synced.set(path, file)
  }

  /** The power goes: only what was synced is left. */
  crash(): void {
    this.#files = new Map(this.#synced)
    for (const file of this.#files.values()) file.data = file.synced
    for (const file of this.databases.values()) file.crash()
  }

  /** A copy of a database, as a backup takes it. */
  copyOf(path: string): Buffer | undefined {
    return this.databases.get(path)?.database.serialize()
  }
}

const disks = new Map<string, Disk>()

/** The disk of the machine on which code runs at the moment. */
export const ownDisk = (): Disk => diskOf(timeline().process.name)

export function diskOf(machine: string): Disk {
  const known = disks.get(machine) ?? new Disk()
  disks.set(machine, known)
  return known
}

/** Empties all machines. */
export function forgetDisks(): void {
  for (const { databases } of disks.values()) for (const { database } of databases.values()) database.close()
  disks.clear()
}

export const failure = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: '${path}'`), { code, path })
export const absent = (path: string): Error => failure('ENOENT', path)
