import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { requireOwn, UserError } from '@pontage/shared/node'
import Database from 'better-sqlite3'

/**
 * Takes a home folder for one process. The lock is the kernel's own on a file, so it is gone with the process,
 * however that ends.
 *
 * @returns What gives it back.
 * @throws UserError when another process has it.
 */
export function lockHome(home: string): () => void {
  const lock = tryLock(home)
  if (lock === undefined)
    throw new UserError(`Another pontage-provider is running on ${home}. Stop it, or choose another --home.`)
  return lock
}

/** Whether a daemon runs on this home; creates nothing. */
export function isRunning(home: string): boolean {
  if (!existsSync(lockPath(home))) return false
  const lock = tryLock(home)
  lock?.()
  return lock === undefined
}

/** As {@link lockHome}; undefined when another process has it. */
export function tryLock(home: string): (() => void) | undefined {
  // Whoever may not write it could not take it, whether it is taken or not.
  requireOwn(lockPath(home))
  const lock = new Database(lockPath(home), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return () => lock.close()
  } catch {
    lock.close()
    return undefined
  }
}

const lockPath = (home: string): string => join(home, 'provider.lock')
