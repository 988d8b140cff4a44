import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type FileHandle, lchown, stat } from 'node:fs/promises'
import { join } from 'node:path'

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
