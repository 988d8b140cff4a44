import { controlPath, deleteTable, listTable, UserError } from '@pontage/shared/node'
import { killSwitchTable } from '../../core/killSwitch.js'
import {
  forgetConnection,
  isFromEarlierBoot,
  isRunning,
  readConnection,
} from '../../io/home/connectionFile.js'
import { lockNetwork } from '../../io/home/lock.js'
import { restoreLeftFile } from '../../io/kernel/dns.js'
import { NotRestored } from '../../io/kernel/restore.js'
import { sweepRoutes } from '../../io/kernel/routing.js'
import { wallStands } from '../../io/kernel/wall.js'
import { disconnect, restore } from './disconnect.js'

/**
 * Opens the network where no connection runs any more.
 *
 * @param anyway - Takes away what this home folder has no record of, too, and forgets what cannot be undone.
 * @returns `swept`: without a record, everything that only we can have made is gone.
 * @throws UserError while a connection runs, or for what somebody else may still need.
 */
export async function unlock(home: string, anyway: boolean): Promise<'restored' | 'swept' | 'nothing'> {
  const record = await readConnection(home).catch((error) => {
    if (anyway) return undefined // Damaged: what it would have told is found out from the kernel.
    throw error
  })
  if (record && isRunning(record))
    throw new UserError(
      `A connection is running (process ${record.process.pid}): end it with "pontage disconnect". Only if that does not work, "kill -9 ${record.process.pid}" and unlock.`,
    )
  if (record && isFromEarlierBoot(record)) {
    await disconnect(home, controlPath(home))
    return 'restored'
  }
  if (record)
    return restore(home).catch(async (error) => {
      if (!(anyway && error instanceof NotRestored)) throw error
      await forgetConnection(home)
      throw new UserError(`${error.message.replace(/ Mend that.*$/s, '')} It is forgotten now.`, {
        cause: error,
      })
    })
  const isShut = (await listTable('inet', killSwitchTable)) !== undefined || (await wallStands())
  if (!isShut) return 'nothing'
  if (!anyway)
    throw new UserError(
      'There is a kill switch that this home folder has no record of. Give the --home it belongs to, or --yes to remove it.',
    )
  const lock = await lockNetwork(undefined)
  try {
    // Whatever becomes of the routes, the firewall opens.
    await sweepRoutes()
      .finally(() => deleteTable('inet', killSwitchTable))
      .finally(() => restoreLeftFile())
    await forgetConnection(home)
    return 'swept'
  } finally {
    await lock.release()
  }
}
