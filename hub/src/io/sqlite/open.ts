import { chmodSync, closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { requireOwn, UserError } from '@pontage/shared/node'
import Database from 'better-sqlite3'

const lockName = 'hub.lock'
/** Pages of the write-ahead log between checkpoints. */
const checkpointPages = 4_000
/** Kibibytes of the file kept in memory: a ledger's inner pages and what moved last. */
const cacheKib = 65_536
const busyTimeoutMs = 5_000

/**
 * Opens a database file of which every committed transaction survives a power cut. Only its owner may read it: SQLite
 * gives the files beside it (`-wal`, `-shm`) the same mode.
 */
export function openDatabase(path: string): Database.Database {
  requireOwn(path)
  makePrivate(path)
  const database = new Database(path, { timeout: busyTimeoutMs })
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma(`cache_size = -${cacheKib}`)
  database.pragma(`wal_autocheckpoint = ${checkpointPages}`)
  return database
}

/** Makes an empty file that only its owner may read, or takes away what others may do with one that is there. */
export function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600)
}

/** Whether a hub runs on this home. */
export function isHomeTaken(home: string): boolean {
  if (!existsSync(join(home, lockName))) return false
  requireOwn(join(home, lockName))
  try {
    lockHome(home)()
    return false
  } catch (error) {
    if (error instanceof UserError) return true
    throw error
  }
}

/**
 * Takes the home folder for this process until it ends, however it ends: the lock is the kernel's.
 *
 * @returns Gives it back.
 * @throws UserError when another process has it.
 */
export function lockHome(home: string): () => void {
  // Whoever may not write it could not take it, whether it is taken or not.
  requireOwn(join(home, lockName))
  const lock = new Database(join(home, lockName), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw new UserError(`Another pontage-hub is running on ${home}. Stop it, or choose another --home.`, {
      cause,
    })
  }
  return () => lock.close()
}
