import { createHash } from 'node:crypto'
import { existsSync, lstatSync } from 'node:fs'
import { constants, type FileHandle, open, readFile, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@pontage/shared/node'

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/** Where root keeps what it acts upon, for homes that others may write in. */
const stateFolder = '/var/lib/pontage'

/**
 * The folder of what root wrote and acts upon later: the home itself where only root may write, else one of root's own.
 *
 * @param state - Where those are.
 */
export async function recordFolder(home: string, state = stateFolder): Promise<string> {
  const owner = await stat(home).catch(() => undefined)
  if (owner === undefined || owner.uid === 0) return home
  const name = createHash('sha256')
    .update(await realpath(home))
    .digest('hex')
    .slice(0, 16)
  const folder = join(state, name)
  // Without rights nothing is written there, but what root wrote is read.
  return process.getuid?.() !== 0 && !existsSync(join(folder, 'connection.json')) ? home : folder
}

/**
 * Opens a file in a home folder that may be another user's: no links are followed, and none to other names of a file.
 *
 * @throws UserError for what is not a file of its own.
 */
export async function openInHome(home: string, name: string, flags: number): Promise<FileHandle> {
  const path = join(home, name)
  const file = await open(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o600).catch((cause) => {
    if ((cause as NodeJS.ErrnoException).code === 'ELOOP') throw notOwn(path, cause)
    throw cause
  })
  const found = await file.stat()
  if (found.isFile() && found.nlink === 1) return file
  await file.close()
  throw notOwn(path)
}

const notOwn = (path: string, cause?: unknown): UserError =>
  new UserError(`${path} is a link, or no file. Remove it, and run the command again.`, { cause })

/** @throws UserError where a link stands at a folder of the home: root would write at its other end. */
export function refuseLink(folder: string): void {
  let isLink = false
  try {
    isLink = lstatSync(folder).isSymbolicLink()
  } catch {
    // Nothing stands there.
  }
  if (isLink) throw notOwn(folder)
}

/** Gives a file or folder that root made to the owner of the home folder, whose own commands go on with it. */
export async function giveToOwner(home: string, made: FileHandle | string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(home)
  if (uid === 0) return
  if (typeof made !== 'string') return made.chown(uid, gid)
  const opened = await open(made, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const found = await opened.stat()
    if (found.isDirectory() || found.nlink === 1) await opened.chown(uid, gid)
  } finally {
    await opened.close()
  }
}

/**
 * Who may ask a running connection: the owner of the home folder, and a group.
 *
 * @param group - Its name or number; left out: the group of the home folder.
 * @throws UserError when there is no such group.
 */
export async function controlOwner(
  home: string,
  group: string | undefined,
): Promise<{ uid: number; gid: number }> {
  const { uid, gid } = await stat(home)
  return { uid, gid: group === undefined ? gid : await groupId(group) }
}

async function groupId(name: string): Promise<number> {
  const lines = (await readFile('/etc/group', 'utf8')).split('\n').map((line) => line.split(':'))
  const found = lines.find(([group, , gid]) => group === name || gid === name)?.[2]
  if (found === undefined) throw new UserError(`There is no group "${name}". Check --control-group.`)
  return Number(found)
}
