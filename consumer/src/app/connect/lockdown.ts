import { lockNetwork } from '../../io/home/lock.js'
import { installLockdown, loadLockdown, removeLockdown } from '../../io/kernel/lockdown.js'
import { demandShellIsSafe } from './machine.js'

/**
 * Shuts the machine but for tunnels, from now on and at every boot.
 *
 * @throws UserError while something is connected, for a remote shell that would be cut off, or without systemd.
 */
export async function lockDown(options: { allowLan: boolean; anyShell: boolean }): Promise<void> {
  if (!options.anyShell) demandShellIsSafe(options.allowLan)
  await withFreeNetwork(async () => {
    await installLockdown(options.allowLan)
    await loadLockdown()
  })
}

/** Undoes it. What a connection left shut stays so: "pontage disconnect" opens that. */
export const openUp = (): Promise<void> => withFreeNetwork(removeLockdown)

async function withFreeNetwork(act: () => Promise<void>): Promise<void> {
  const lock = await lockNetwork(undefined)
  try {
    await act()
  } finally {
    await lock.release()
  }
}
