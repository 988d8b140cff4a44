import { spawn } from 'node:child_process'
import { constants, readlinkSync } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@pontage/shared/node'
import { giveToOwner, openInHome } from './ownership.js'

/** A right that one program has at a time; held until released or until this process is gone, however it ends. */
export interface Lock {
  release(): Promise<void>
}

/** Not the service's own folder in /run, which systemd removes with the service. */
const machineLocks = '/run/pontage-consumer'

/**
 * Takes the lock of a home folder: two programs that sign for one channel could sign a lower total.
 * The kernel keeps it (flock), so it holds across namespaces and leaves nothing behind after a kill.
 *
 * @throws UserError when another program has it.
 */
export async function lockHome(home: string): Promise<Lock> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  const file = await openInHome(home, 'lock', constants.O_RDWR | constants.O_CREAT)
  await giveToOwner(home, file)
  return locked(
    file,
    `Another pontage is working in ${home}: a connection or a lending is running, or a channel is being opened or closed. Run "pontage disconnect", end the lending with Ctrl-C, or wait for it.`,
  )
}

/**
 * Takes the lock of a network, whichever home folder asks: firewall table, rules and routes are one for each. Whoever has it
 * not leaves them alone, also to undo what it was about to do itself.
 *
 * @param netns - Name of a namespace of programs; left out: the network of this process.
 * @throws UserError when another program has it.
 */
export async function lockNetwork(netns: string | undefined): Promise<Lock> {
  const name = netns ?? readlinkSync('/proc/self/ns/net').replace(/\D/g, '')
  await mkdir(machineLocks, { recursive: true, mode: 0o755 })
  const file = await open(
    join(machineLocks, `network-${name}.lock`),
    constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW,
    0o600,
  )
  return locked(
    file,
    'A connection of another --home runs on this network, or is being undone. Run "pontage disconnect" with that --home first.',
  )
}

/** @throws UserError with `taken` when another program has it; the file is closed then. */
async function locked(file: FileHandle, taken: string): Promise<Lock> {
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
    throw new UserError(taken)
  }
  return { release: () => file.close() }
}
