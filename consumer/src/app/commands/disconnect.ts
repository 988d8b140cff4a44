import { printJson } from '@pontage/shared/node'
import { isLockedDown, liftLockdown, lockdownStands } from '../../io/kernel/lockdown.js'
import { disconnect } from '../connect/disconnect.js'
import { controlFlag } from './connection.js'
import { placeToAsk } from './service/place.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const sentences = {
  ended: 'The session has ended, and the network is back to normal.',
  restored: 'The kill switch is off, and the network is back to normal.',
  nothing: 'There is no connection, and there was nothing to undo.',
  shut: 'There is no connection any more. Lockdown is on, and stays: "sudo pontage disconnect" lifts it until the next connect or boot.',
} as const
const untilNext = 'Lockdown is lifted until the next connect or boot; "pontage lockdown off" ends it.'

export const disconnectCommand = command<Settings & { json: boolean; control?: string }>({
  command: 'disconnect',
  describe: 'End the connection and restore the network, even after a crash or when a cap was reached',
  builder: (yargs) => withSettings(yargs).options(controlFlag),
  async handler(argv) {
    const wasShut = isLockedDown()
    let result = await disconnect(argv.home, placeToAsk(argv))
    // A connection that ran has done so itself, with rights that whoever asked it need not have.
    if (wasShut && process.getuid?.() === 0 && (await lockdownStands())) {
      await liftLockdown()
      if (result === 'nothing') result = 'restored'
    }
    if (argv.json) return printJson({ result })
    printLine(sentences[result])
    if (wasShut && result !== 'shut') printLine(untilNext)
  },
})
