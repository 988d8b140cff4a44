import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile, stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { encodeMessage, SerialQueue } from '@pontage/shared'
import { UserError, writeFileDurably } from '@pontage/shared/node'
import type { JournalEntry } from '../../core/journalEntry.js'
import { JournalState } from '../../core/journalState.js'
import { giveToOwner } from './ownership.js'

/** What this identity signed, on disk before it leaves: the memory that keeps a total from ever falling. */
export interface Journal {
  /** Everything recorded so far. */
  trail(): JournalState
  /**
   * Resolves once the entry is on the disk.
   *
   * @throws RangeError when the entry contradicts what was recorded: a lower total, or one after the close.
   * @throws Error when the disk refuses; nothing may be signed then.
   */
  record(entry: JournalEntry): Promise<void>
  close(): Promise<void>
}

/** A journal that grew beyond this is rewritten with what still matters when it is opened. */
const compactAboveBytes = 1_000_000

/**
 * Opens the journal of a home folder for writing; the caller holds the folder's lock.
 * Each line is a checksum and JSON. Appended with O_DSYNC: a write returns when the line is on the disk.
 *
 * @throws UserError when a line that was complete once cannot be read any more.
 */
export async function openJournal(home: string): Promise<Journal> {
  const path = journalPath(home)
  const { trail: found, intactBytes, size } = await readTrail(path)
  // A line cut short by a crash was never acted upon; what follows must not be appended to it.
  if (intactBytes < size) await truncate(path, intactBytes)
  if (intactBytes > compactAboveBytes) await writeFileDurably(path, found.entries().map(lineOf).join(''))
  const isNew = (await stat(path).catch(() => undefined)) === undefined
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC | constants.O_NOFOLLOW,
    0o600,
  )
  await giveToOwner(home, file)
  if (isNew) await syncFolder(path)
  return journalOn(file, found)
}

/** Reads the journal without the right to write. */
export const readJournal = async (home: string): Promise<JournalState> =>
  (await readTrail(journalPath(home))).trail

function journalOn(file: FileHandle, found: JournalState): Journal {
  let trail = found
  let failure: Error | undefined
  const writes = new SerialQueue()

  async function append(entry: JournalEntry): Promise<void> {
    if (failure) throw failure
    const next = trail.with(entry)
    const line = Buffer.from(lineOf(entry))
    try {
      const { bytesWritten } = await file.write(line)
      if (bytesWritten !== line.length)
        throw new Error(`only ${bytesWritten} of ${line.length} bytes were written`)
    } catch (cause) {
      // Half a line may stand there now: nothing may follow it, and nothing may be signed.
      failure = new Error(`The journal cannot be written: ${(cause as Error).message}.`, { cause })
      throw failure
    }
    trail = next
  }

  return {
    trail: () => trail,
    record: (entry) => writes.run(() => append(entry)),
    async close() {
      await writes.idle()
      await file.close()
    },
  }
}

const journalPath = (home: string): string => join(home, 'journal.jsonl')

const checksum = (json: string): string => createHash('sha256').update(json).digest('hex').slice(0, 16)

const lineOf = (entry: JournalEntry): string => {
  const json = encodeMessage(entry)
  return `${checksum(json)} ${json}\n`
}

async function readTrail(path: string): Promise<{ trail: JournalState; intactBytes: number; size: number }> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new UserError(`The journal ${path} cannot be read: ${error.message}.`, { cause: error })
  })
  const lines = text.split('\n')
  const entries: unknown[] = []
  let intactBytes = 0
  for (const [index, line] of lines.entries()) {
    if (index === lines.length - 1) break // What follows the last line end is nothing, or a line cut short.
    const json = line.slice(17)
    if (line[16] !== ' ' || checksum(json) !== line.slice(0, 16)) {
      if (index === lines.length - 2) break
      throw new UserError(
        `Line ${index + 1} of the journal ${path} is damaged. It keeps you from signing a total twice: restore it from a backup, or close the channel and open another.`,
      )
    }
    entries.push(JSON.parse(json))
    intactBytes += Buffer.byteLength(line) + 1
  }
  return { trail: JournalState.from(entries), intactBytes, size: Buffer.byteLength(text) }
}

/** A new file's name is on the disk only once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
