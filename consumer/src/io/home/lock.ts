import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@pontage/shared/node'
import { giveToOwner } from './ownership.js'

/** The right to write in a home folder; held until released or until this process is gone, however it ends. */
export interface HomeLock {
  release(): Promise<void>
}

/**
 * Takes the lock of a home folder: two programs that sign for one channel could sign a lower total.
 * The kernel keeps it (flock), so it holds across namespaces and leaves nothing behind after a kill.
 *
 * @throws UserError when another program has it.
 */
export async function lockHome(home: string): Promise<HomeLock> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  const path = join(home, 'lock')
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  await giveToOwner(home, file)
  // The lock belongs to the open file, which the command shares with us: it stays ours when the command ends.
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn('flock', ['--exclusive', '--nonblock', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', file.fd],
    })
    child.on('error', reject)
    child.on('close', resolve)
  }).catch(async (cause) => {
    await file.close()
    throw new UserError('The program flock was not found. Install util-linux.', { cause })
  })
  if (code !== 0) {
    await file.close()
    throw new UserError(
      `Another pontage is working in ${home}: a connection is running, or a channel is being opened or closed. Run "pontage disconnect", or wait for it.`,
    )
  }
  return { release: () => file.close() }
}
