import { constants as flags } from 'node:fs'
import { absent, failure, ownDisk } from '../disk.js'
import { timeline } from '../timeline.js'

export const constants = flags

/** Each touch of the disk takes a moment, in which the program may die. */
async function touch(): Promise<void> {
  await timeline().wait(0.02 + timeline().chance.real() * 0.5)
}

function demandRoom(path: string): void {
  if (ownDisk().isFull) throw failure('ENOSPC', path)
}

export async function readFile(path: string, encoding?: string | { encoding: string }) {
  await touch()
  const file = ownDisk().file(String(path))
  if (!file) throw absent(path)
  return encoding === undefined ? Buffer.from(file.data) : file.data.toString()
}

export async function writeFile(path: string, data: string | Buffer): Promise<void> {
  await touch()
  demandRoom(path)
  const disk = ownDisk()
  ;(disk.file(path) ?? disk.make(path, 0o600)).data = Buffer.from(data)
}

export async function mkdir(path: string): Promise<string | undefined> {
  await touch()
  const isThere = ownDisk().isFolder(path)
  ownDisk().makeFolder(path)
  return isThere ? undefined : path
}

export async function rm(path: string, { force = false }: { force?: boolean } = {}): Promise<void> {
  await touch()
  if (!ownDisk().remove(path) && !force) throw absent(path)
}
export const unlink = (path: string): Promise<void> => rm(path)
export const rmdir = (path: string): Promise<void> => rm(path, { force: true })

export async function rename(from: string, to: string): Promise<void> {
  await touch()
  ownDisk().move(from, to)
}

export async function readdir(path: string): Promise<string[]> {
  await touch()
  return ownDisk().list(path)
}

export async function stat(path: string) {
  await touch()
  const disk = ownDisk()
  const file = disk.file(path)
  if (!file && !disk.exists(path)) throw absent(path)
  const size = file?.data.length ?? 0
  return {
    size,
    mode: 0o600,
    uid: 0,
    gid: 0,
    isDirectory: () => !file,
    isFile: () => !!file,
    isSymbolicLink: () => false,
    nlink: 1,
    mtimeMs: file?.changedAt ?? 0,
  }
}
export const lstat = (path: string) => stat(path)

export async function access(path: string): Promise<void> {
  await stat(path)
}

export async function truncate(path: string, length = 0): Promise<void> {
  await touch()
  const file = ownDisk().file(path)
  if (!file) throw absent(path)
  file.data = file.data.subarray(0, length)
  file.synced = file.data
}

export async function copyFile(from: string, to: string): Promise<void> {
  await writeFile(to, (await readFile(from)) as Buffer)
}

export async function mkdtemp(prefix: string): Promise<string> {
  const path = `${prefix}${timeline().process.chance.dice(1e9)}`
  await mkdir(path)
  return path
}

export const lchown = touch
export const chown = touch
export const chmod = touch
export const realpath = async (path: string): Promise<string> => path
export const statfs = async () => ({ bavail: 1e9, bsize: 4_096, blocks: 2e9 })

/** A file, or a folder whose names are to be synced. */
export async function open(path: string, given: number | string = 'r', mode = 0o600) {
  await touch()
  const disk = ownDisk()
  const isNumber = typeof given === 'number'
  const creates = isNumber ? (given & flags.O_CREAT) !== 0 : given !== 'r'
  const isExclusive = isNumber ? (given & flags.O_EXCL) !== 0 : given.includes('x')
  const syncs = isNumber && (given & flags.O_DSYNC) !== 0
  if (disk.isFolder(path)) return { sync: async () => disk.syncFolder(path), close: async () => undefined }
  const known = disk.file(path)
  if (known && isExclusive) throw failure('EEXIST', path)
  if (!known && !creates) throw absent(path)
  const file = known ?? disk.make(path, mode)
  const write = async (data: string | Buffer, from = 0) => {
    await touch()
    demandRoom(path)
    const bytes = Buffer.from(data).subarray(from)
    file.changedAt = timeline().nowMs
    file.data = Buffer.concat([file.data, bytes])
    if (syncs) file.synced = file.data
    return { bytesWritten: bytes.length }
  }
  return {
    write,
    writeFile: write,
    appendFile: write,
    async *createReadStream({ end }: { end: number }) {
      yield file.data.subarray(0, end + 1).toString()
    },
    readFile: async (encoding?: string) => (encoding === undefined ? file.data : file.data.toString()),
    stat: () => stat(path),
    chown: touch,
    chmod: touch,
    async truncate(length = 0) {
      await touch()
      file.data = file.data.subarray(0, length)
    },
    async sync() {
      await touch()
      file.synced = file.data
    },
    async datasync() {
      await touch()
      file.synced = file.data
    },
    close: touch,
  }
}
