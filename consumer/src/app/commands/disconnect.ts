import { printJson, UserError } from '@pontage/shared/node'
import { disconnect } from '../disconnect.js'
import { command, printLine, type Settings, withSettings } from './settings.js'

const sentences = {
  ended: 'The session has ended, and the network is as it was before.',
  restored: 'The kill switch is off, and the network is as it was before.',
  nothing: 'Nothing is connected, and nothing was left behind.',
} as const

export const disconnectCommand = command<Settings & { json: boolean }>({
  command: 'disconnect',
  describe: 'End the connection and make the network as it was, also after a crash or a reached cap',
  builder: (yargs) =>
    withSettings(yargs).option('json', { type: 'boolean', default: false, describe: 'Print {result}' }),
  async handler(argv) {
    if (process.getuid?.() !== 0)
      throw new UserError('Routes and firewall are changed back by root only: use sudo.')
    const result = await disconnect(argv.home)
    if (argv.json) printJson({ result })
    else printLine(sentences[result])
  },
})
