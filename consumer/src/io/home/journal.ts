import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { encodeMessage, SerialQueue } from '@pontage/shared'
import { UserError, writeFileDurably } from '@pontage/shared/node'
import { emptyParts, JournalDraft } from '../../core/journalDraft.js'
import { type JournalEntry, revived } from '../../core/journalEntry.js'
import { JournalState } from '../../core/journalState.js'
import { giveToOwner, openInHome } from './ownership.js'

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

/** A journal that grew by this is rewritten with what still matters, when it is opened and while it is written to. */
const compactAboveBytes = 1_000_000

/**
 * Opens the journal of a home folder for writing; the caller holds the folder's lock.
 * Each line is a checksum and JSON. Appended with O_DSYNC: a write returns when the line is on the disk.
 *
 * @throws UserError when a line that was complete once cannot be read any more.
 */
export async function openJournal(home: string): Promise<Journal> {
  const path = journalPath(home)
  const { trail, intactBytes, size } = await readTrail(path)
  // A line cut short by a crash was never acted upon; what follows must not be appended to it.
  if (size !== undefined && intactBytes < size) await truncate(path, intactBytes)
  const isNew = size === undefined
  if (intactBytes > compactAboveBytes) await compact(home, trail)
  const file = await openToAppend(home)
  if (isNew) await syncFolder(path)
  return journalOn(home, file, trail)
}

async function openToAppend(home: string): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_APPEND, O_DSYNC } = constants
  const file = await openInHome(home, journalName, O_WRONLY | O_CREAT | O_APPEND | O_DSYNC)
  await giveToOwner(home, file)
  return file
}

/** Replaces the file with what still matters of it. @returns Its size then. */
async function compact(home: string, trail: JournalState): Promise<number> {
  const text = trail.entries().map(lineOf).join('')
  await writeFileDurably(journalPath(home), text)
  return Buffer.byteLength(text)
}

/** Reads the journal without the right to write. */
export const readJournal = async (home: string): Promise<JournalState> =>
  (await readTrail(journalPath(home))).trail

function journalOn(home: string, opened: FileHandle, found: JournalState): Journal {
  let file = opened
  let grownBy = 0
  let trail = found
  let failure: Error | undefined
  const writes = new SerialQueue()

  async function append(entry: JournalEntry): Promise<void> {
    if (failure) throw failure
    const next = trail.with(entry)
    const line = Buffer.from(lineOf(entry))
    try {
      // What did not fit at first says why when it is tried again.
      for (let written = 0; written < line.length; ) written += (await file.write(line, written)).bytesWritten
    } catch (cause) {
      // Half a line may stand there now: nothing may follow it, and nothing may be signed.
      failure = new Error(`The journal cannot be written: ${(cause as Error).message}.`, { cause })
      throw failure
    }
    trail = next
    grownBy += line.length
    if (grownBy > compactAboveBytes) await startAnew()
  }

  /** The old file stands until the new one is whole: what goes wrong here costs space, nothing else. */
  async function startAnew(): Promise<void> {
    grownBy = 0
    await compact(home, trail)
    const before = file
    try {
      file = await openToAppend(home)
    } catch (cause) {
      // What the old file took from now on would be lost.
      failure = new Error(`The journal cannot be opened: ${(cause as Error).message}.`, { cause })
    }
    await before.close()
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

const journalName = 'journal.jsonl'
const journalPath = (home: string): string => join(home, journalName)

const checksum = (json: string): string => createHash('sha256').update(json).digest('hex').slice(0, 16)

const lineOf = (entry: JournalEntry): string => {
  const json = encodeMessage(entry)
  return `${checksum(json)} ${json}\n`
}

/**
 * Reads it line by line, however long it grew.
 *
 * @returns `size`: undefined where there is none.
 */
async function readTrail(
  path: string,
): Promise<{ trail: JournalState; intactBytes: number; size: number | undefined }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error) =>
    unreadable(path, error),
  )
  if (file === undefined) return { trail: JournalState.empty, intactBytes: 0, size: undefined }
  const draft = new JournalDraft(emptyParts)
  let intactBytes = 0
  let number = 0
  let damagedAt: number | undefined
  const { size } = await file.stat().catch(async (error) => {
    await file.close()
    throw error
  })
  // What follows the last line end is nothing, or a line cut short.
  for await (const line of wholeLines(file, size)) {
    number++
    if (damagedAt !== undefined) throw damaged(path, damagedAt)
    const json = line.slice(17)
    if (line[16] !== ' ' || checksum(json) !== line.slice(0, 16)) {
      // The last one, where a crash cut it: nothing may follow.
      damagedAt = number
      continue
    }
    draft.add(revived(JSON.parse(json)))
    intactBytes += Buffer.byteLength(line) + 1
  }
  return { trail: JournalState.of(draft), intactBytes, size }
}

/** Lines that end, without their ends, of the first `size` bytes: more may be written meanwhile. Closes the file. */
async function* wholeLines(file: FileHandle, size: number): AsyncGenerator<string> {
  if (size === 0) return await file.close()
  let rest = ''
  for await (const chunk of file.createReadStream({
    encoding: 'utf8',
    end: size - 1,
    highWaterMark: 1 << 18,
  })) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

const damaged = (path: string, line: number): UserError =>
  new UserError(
    `Line ${line} of the journal ${path} is damaged. It keeps you from signing a total twice: restore it from a backup, or close the channel and open another.`,
  )

function unreadable(path: string, error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined
  throw new UserError(`The journal ${path} cannot be read: ${error.message}.`, { cause: error })
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
