import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type FileHandle, lchown, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@pontage/shared/node'

/**
 * The home folder of whoever typed `sudo`, if there is one: the key made without root is the one meant with it.
 * Undefined when sudo is not in play, or that user has no home folder of ours.
 */
export function homeBehindSudo(environment: NodeJS.ProcessEnv): string | undefined {
  const uid = environment.SUDO_UID
  if (process.getuid?.() !== 0 || uid === undefined || !/^\d+$/.test(uid)) return undefined
  try {
    const folder = execFileSync('getent', ['passwd', uid], { encoding: 'utf8' }).split(':')[5]
    const home = join(folder ?? '/', '.pontage', 'consumer')
    return existsSync(join(home, 'keystore.json')) ? home : undefined
  } catch {
    return undefined // No such user, or no getent: the default home serves.
  }
}

/** Gives a file that root made to the owner of the home folder, whose own commands go on with it. */
export async function giveToOwner(home: string, file: FileHandle | string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await stat(home)
  if (typeof file === 'string') await lchown(file, uid, gid)
  else await file.chown(uid, gid)
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
