import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { UserError } from '@pontage/shared/node'
import Database from 'better-sqlite3'
import { makePrivate } from './open.js'

/** What a backup holds. */
export interface Backup {
  readonly file: string
  readonly bytes: number
  /** Block up to which it knows the chain; zero when it knows none. */
  readonly block: number
}

/**
 * Copies a ledger as it stands at one moment, while a hub may be writing to it: one read transaction sees it all.
 * The file appears whole or not at all, readable by its owner only, checked before it gets its name.
 *
 * @throws UserError when `file` is there already or cannot be written.
 */
export async function backUp(path: string, file: string): Promise<Backup> {
  const target = resolve(file)
  if (existsSync(target))
    throw new UserError(`${target} already exists. Choose another file; a backup replaces nothing.`)
  const partial = `${target}.partial`
  await rm(partial, { force: true })
  try {
    makePrivate(partial)
    copy(path, partial)
    const block = check(partial)
    const bytes = await flush(partial)
    await rename(partial, target)
    await flush(dirname(target))
    return { file: target, bytes, block }
  } catch (cause) {
    await rm(partial, { force: true })
    throw new UserError(
      `The backup ${target} cannot be written: ${(cause as Error).message}. Check the folder and its free space.`,
      { cause },
    )
  }
}

function copy(path: string, to: string): void {
  const source = new Database(path, { fileMustExist: true, readonly: true })
  try {
    source.prepare('VACUUM INTO ?').run(to)
  } finally {
    source.close()
  }
}

/** @returns The block the copy knows the chain up to. @throws Error when the copy is damaged */
function check(file: string): number {
  const database = new Database(file, { fileMustExist: true, readonly: true })
  try {
    const found = database.pragma('integrity_check(1)', { simple: true })
    if (found !== 'ok') throw new Error(`the copy is damaged (${found})`)
    const row = database.prepare('SELECT block_number AS number FROM chain WHERE id = 1').get()
    return (row as { number: number } | undefined)?.number ?? 0
  } finally {
    database.close()
  }
}

/** Waits until a file or folder is on disk. */
async function flush(path: string): Promise<number> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
    return (await handle.stat()).size
  } finally {
    await handle.close()
  }
}
