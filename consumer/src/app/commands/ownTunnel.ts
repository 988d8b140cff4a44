import { existsSync } from 'node:fs'
import { askControl, keystorePath, UserError } from '@pontage/shared/node'
import { type ConnectionRecord, isRunning } from '../../io/home/connectionFile.js'
import { callerOutside } from '../../io/kernel/ownRoot.js'
import type { Status } from '../connect/status.js'
import { type Asker, asksService, serviceSocket } from './service/place.js'

/**
 * Makes sure that a tunnel for one program is what is wanted here, and that whoever asks can pay for it: the service never does, since
 * its tunnel is the whole machine's.
 *
 * @param running - What was written down of this home's connection.
 * @throws UserError saying what to do instead.
 */
export async function requireTunnelOfItsOwn(
  asker: Asker,
  running: ConnectionRecord | undefined,
): Promise<void> {
  // Asked already, before these namespaces were made.
  if (callerOutside() !== undefined) return
  if (running !== undefined && running.netns === undefined && isRunning(running))
    throw new UserError(ledAlready('This whole machine is'))
  const isRoot = process.getuid?.() === 0
  // Somebody's own tunnel leads through that of the service; root's packets would be stopped.
  if (!isRoot && existsSync(keystorePath(asker.home))) return
  const service = isRoot || asksService(asker) ? await stateOfService() : undefined
  if (service === 'led') throw new UserError(ledAlready('The service has this whole machine'))
  if (isRoot) return
  if (service === 'shut')
    throw new UserError(
      'The kill switch of the service is on, and nothing leaves this machine. "pontage disconnect" opens the network.',
    )
  const instead = asksService(asker)
    ? ' Or have the service lead the whole machine through its tunnel with "pontage connect", and start the program as it is.'
    : ''
  throw new UserError(
    `A tunnel for one program is paid from a key of your own, and there is none in ${asker.home}: "pontage setup" makes one.${instead}`,
    { code: 'no-keystore' },
  )
}

const ledAlready = (whose: string): string =>
  `${whose} in the tunnel, and every program on it: start this one as it is, without "pontage exec".`

/** Whether the service leads this machine through its tunnel, lets nothing out, or, as far as whoever asks may know, neither. */
async function stateOfService(): Promise<'led' | 'shut' | undefined> {
  const status = await askControl<Status>(serviceSocket, { type: 'status' }).catch(() => undefined)
  if (status === undefined || status.state === 'disconnected') return undefined
  return status.state === 'blocked' || status.state === 'crashed' ? 'shut' : 'led'
}
