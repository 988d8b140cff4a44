import { accessSync, constants } from 'node:fs'
import { UserError } from '../program/userError.js'

/**
 * Makes sure that a file of the home, where it is there, is this user's to write: one that a command with sudo made is not.
 *
 * @throws UserError saying whose commands go on with it.
 */
export function requireOwn(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EACCES') return
    throw new UserError(
      `${path} belongs to another user, such as root, who ran this program. Use sudo, or give another --home.`,
      { cause },
    )
  }
}
