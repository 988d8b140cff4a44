import { UserError } from '@pontage/shared/node'
import { demandShellIsSafe } from '../../connect/machine.js'
import type { ConnectionOptions } from '../connection.js'
import { askService } from './askService.js'
import { serviceSocket } from './place.js'
import { type Wishes, wishFlags } from './request.js'
import type { ConnectedAnswer } from './service.js'

/** Flags that say how the answer is shown, or mean what the service does in any case. */
const harmless = ['control', 'json', 'quiet', 'log-level', 'background', 'yes']
const connectWithinMs = 180_000

/**
 * Has the service connect.
 *
 * @param wishes - What the words on the command line mean.
 * @throws UserError for flags that only root may decide, and as {@link askService}.
 */
export async function askToConnect(argv: ConnectionOptions, wishes: Wishes): Promise<ConnectedAnswer> {
  const allowed = new Set<string>([...wishFlags, ...harmless])
  const others = [...(argv.typed ?? [])].filter((name) => !allowed.has(name))
  if (others.length > 0)
    throw new UserError(
      `The service decides --${others[0]} for everybody. Leave it out, or connect as root: sudo pontage connect.`,
    )
  if (!argv.yes) demandShellIsSafe(argv.allowLan)
  return askService(argv.control ?? serviceSocket, { type: 'connect', ...wishes }, connectWithinMs)
}
