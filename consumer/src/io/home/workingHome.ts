import { type Journal, openJournal } from './journal.js'
import { type Lock, lockHome } from './lock.js'

/** The right to sign with a home folder's journal, shared by what runs in this process. */
export interface WorkingHome {
  readonly journal: Journal
  /** The last one closes the journal, and gives the home folder back. */
  release(): Promise<void>
}

interface Held {
  users: number
  readonly opened: Promise<{ lock: Lock; journal: Journal }>
}
const held = new Map<string, Held>()
const closing = new Map<string, Promise<void>>()

/**
 * Takes a home folder to work in: of two programs that sign for one channel one could sign a lower total, so one process has
 * it, and one journal.
 *
 * @throws UserError when another program has it, or the journal cannot be read.
 */
export async function workIn(home: string): Promise<WorkingHome> {
  const mine = held.get(home) ?? { users: 0, opened: open(home) }
  held.set(home, mine)
  mine.users++
  const release = async () => {
    if (--mine.users > 0) return
    held.delete(home)
    const { lock, journal } = await mine.opened
    const closed = journal.close().finally(() => lock.release())
    closing.set(home, closed)
    await closed.finally(() => closing.get(home) === closed && closing.delete(home))
  }
  try {
    const { journal } = await mine.opened
    return { journal, release }
  } catch (error) {
    if (--mine.users === 0) held.delete(home)
    throw error
  }
}

/** Whether this process works in a home folder already: its lock is ours then, and its journal is this one. */
export const isHeldHere = (home: string): boolean => held.has(home)

async function open(home: string): Promise<{ lock: Lock; journal: Journal }> {
  // Given back at this moment: it is free once that is done.
  await closing.get(home)?.catch(() => undefined)
  const lock = await lockHome(home)
  try {
    return { lock, journal: await openJournal(home) }
  } catch (error) {
    await lock.release()
    throw error
  }
}
