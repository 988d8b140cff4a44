import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { listenControl, UserError, withClosers } from '@pontage/shared/node'
import { isFromEarlierBoot, readConnection } from '../../io/home/connectionFile.js'
import { controlOwner } from '../../io/home/ownership.js'
import { disconnect } from '../connect/disconnect.js'
import { openContext } from '../context.js'
import { type ConnectionOptions, connectionFlags, stopOnSignals } from './connection.js'
import { serviceGroup, serviceSocket } from './service/place.js'
import { createService } from './service/service.js'
import { serviceLendings } from './service/serviceLendings.js'
import { createWarmContext } from './service/warmContext.js'
import { command, logFrom, withSettings } from './settings.js'

export const runCommand = command<ConnectionOptions>({
  command: 'run',
  describe: 'Serve the members of a group, who then connect and disconnect without root’s rights',
  builder: (yargs) => withSettings(yargs).options(connectionFlags),
  async handler(argv) {
    if (process.getuid?.() !== 0)
      throw new UserError('Tunnels and firewall require root: run the service pontage-members, or use sudo.')
    const log = logFrom(argv)
    const stop = new AbortController()
    const stopped = new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
    await withClosers(async (closers) => {
      closers.add('signals', stopOnSignals(stop))
      await tidyUp(argv.home)
      const warm = createWarmContext(() => openContext(argv, log))
      closers.add('chain', () => warm.drop())
      const settings = { ...argv, json: true, yes: true }
      const service = createService(settings, warm, (failure) =>
        log.warn('a connection failed', { reason: failure.message }),
      )
      closers.opened('connection', service)
      const lendings = serviceLendings(settings, (name, sentence) => log.info('lending', { name, sentence }))
      closers.opened('lendings', lendings)
      const path = argv.control ?? serviceSocket
      await mkdir(dirname(path), { recursive: true, mode: 0o755 })
      const owner = { ...(await controlOwner(argv.home, argv.controlGroup ?? serviceGroup)), uid: 0 }
      closers.opened(
        'control socket',
        await listenControl({ path, owner }, { ...service.handlers, ...lendings.handlers }),
      )
      log.info('listening', { path })
      await lendings.begin()
      await warm.take().catch((error: Error) => log.warn('not ready to connect', { reason: error.message }))
      await stopped
    })
  },
})

/** What the machine lost with its last boot is forgotten. After a crash, the kill switch stands until somebody decides. */
async function tidyUp(home: string): Promise<void> {
  const left = await readConnection(home)
  if (left !== undefined && isFromEarlierBoot(left)) await disconnect(home, '')
}
