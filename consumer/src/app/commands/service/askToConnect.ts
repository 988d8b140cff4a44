import { setTimeout as delay } from 'node:timers/promises'
import { askControl, runCommand, UserError } from '@pontage/shared/node'
import { demandShellIsSafe } from '../../connect/machine.js'
import type { ConnectionOptions } from '../connection.js'
import { serviceSocket } from './place.js'
import { type Wishes, wishFlags } from './request.js'
import type { ConnectedAnswer } from './service.js'

/** Flags that say how the answer is shown, or mean what the service does in any case. */
const harmless = ['control', 'json', 'quiet', 'log-level', 'background', 'yes']
const connectWithinMs = 180_000
/** A service that was just started listens a moment later. */
const startsWithinMs = 10_000
const lookEveryMs = 100

/**
 * Has the service connect.
 *
 * @param wishes - What the words on the command line mean.
 * @param isStarted - Whether the service listens soon, if it does not yet.
 * @throws UserError for flags that only root may decide, and with the service's own sentence.
 */
export async function askToConnect(
  argv: ConnectionOptions,
  wishes: Wishes,
  isStarted: () => Promise<boolean> = serviceIsStarted,
): Promise<ConnectedAnswer> {
  const allowed = new Set<string>([...wishFlags, ...harmless])
  const others = [...(argv.typed ?? [])].filter((name) => !allowed.has(name))
  if (others.length > 0)
    throw new UserError(
      `The service decides --${others[0]} for everybody. Leave it out, or connect as root: sudo pontage connect.`,
    )
  if (!argv.yes) demandShellIsSafe(argv.allowLan)
  const path = argv.control ?? serviceSocket
  const giveUpAt = Date.now() + startsWithinMs
  do {
    const answer = await askControl<ConnectedAnswer>(path, { type: 'connect', ...wishes }, connectWithinMs)
    if (answer !== undefined) return answer
    if (!(await isStarted())) break
    await delay(lookEveryMs)
  } while (Date.now() < giveUpAt)
  throw new UserError('The service does not run. Start it with "sudo systemctl start pontage-members".')
}

/** Whether systemd has started it, or is about to. One that somebody runs by hand listens already. */
const serviceIsStarted = (): Promise<boolean> =>
  runCommand(['systemctl', 'show', '--property=ActiveState', '--value', 'pontage-members']).then(
    ({ stdout }) => ['active', 'activating', 'reloading'].includes(stdout.trim()),
    () => false,
  )
