import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../program/userError.js'

/**
 * The home folder of whoever typed `sudo`, if there is one: the key made without root is the one meant with it.
 * Undefined when sudo is not in play, or that user has no home folder of ours.
 *
 * @param name - Folder of the program below `~/.pontage`.
 * @throws UserError where a folder on the way belongs to somebody else, or is a link: root writes there.
 */
export function homeBehindSudo(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  const uid = environment.SUDO_UID
  if (process.getuid?.() !== 0 || uid === undefined || !/^\d+$/.test(uid)) return undefined
  const folder = homeOf(uid)
  if (folder === undefined) return undefined
  const [ours, home] = [join(folder, '.pontage'), join(folder, '.pontage', name)]
  if (!existsSync(join(home, 'keystore.json'))) return undefined
  for (const each of [ours, home]) requireOwnFolder(each, Number(uid))
  return home
}

/** Undefined when there is no such user, or no getent. */
function homeOf(uid: string): string | undefined {
  try {
    return execFileSync('getent', ['passwd', uid], { encoding: 'utf8' }).split(':')[5] || undefined
  } catch {
    return undefined // The default home serves.
  }
}

function requireOwnFolder(path: string, uid: number): void {
  const found = lstatSync(path)
  if (found.isDirectory() && (found.uid === uid || found.uid === 0)) return
  throw new UserError(
    `${path} is a link, or belongs to somebody else, and root would write there. Make it a folder of your own, or give --home.`,
  )
}
