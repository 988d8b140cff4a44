import { printJson, UserError } from '@pontage/shared/node'
import { unlock } from '../connect/unlock.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const sentences = {
  restored: 'The kill switch is off, and the network is as it was before.',
  swept:
    'The kill switch, its routes and its tunnels are gone. What stood before in /etc/resolv.conf is not known here.',
  nothing: 'Nothing was left behind.',
} as const

export const unlockCommand = command<Settings & { json: boolean; yes: boolean }>({
  command: 'unlock',
  describe: 'Open the network again where no connection runs: after a crash, a power cut, a lost home folder',
  builder: (yargs) =>
    withSettings(yargs)
      .option('yes', {
        type: 'boolean',
        default: false,
        describe: 'Also take away a kill switch that this home folder knows nothing of',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print {result}' }),
  async handler(argv) {
    if (process.getuid?.() !== 0)
      throw new UserError('Routes and firewall are changed back by root only: use sudo.')
    const result = await unlock(argv.home, argv.yes)
    if (argv.json) printJson({ result })
    else printLine(sentences[result])
  },
})
