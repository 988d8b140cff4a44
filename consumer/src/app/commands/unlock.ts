import { printJson, UserError } from '@pontage/shared/node'
import { unlockedInWords } from '../../core/lockdown.js'
import { isLockedDown } from '../../io/kernel/lockdown.js'
import { unlock } from '../connect/unlock.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

export const unlockCommand = command<Settings & { json: boolean; yes: boolean }>({
  command: 'unlock',
  describe:
    'Open the network again when no connection is running: after a crash, a power cut or a lost home folder',
  builder: (yargs) =>
    withSettings(yargs).option('yes', {
      type: 'boolean',
      default: false,
      describe: 'Also remove a kill switch that this home folder has no record of',
    }),
  async handler(argv) {
    if (process.getuid?.() !== 0) throw new UserError('Only root can restore routes and firewall: use sudo.')
    const result = await unlock(argv.home, argv.yes)
    if (argv.json) printJson({ result })
    else for (const sentence of unlockedInWords(result, isLockedDown())) printLine(sentence)
  },
})
