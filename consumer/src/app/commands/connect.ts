import { requirePasswordFile, startInBackground } from '../connect/background.js'
import { type ConnectionOptions, connectionFlags, runConnection } from './connection.js'
import { command, printLine, withSettings } from './settings.js'

export const connectCommand = command<ConnectionOptions & { background: boolean }>({
  command: 'connect [provider]',
  describe: 'Bring up the tunnel behind the kill switch, and pay for each megabyte',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('provider', {
        type: 'string',
        describe: 'Address of a provider; default: the cheapest sound one',
      })
      .options(connectionFlags)
      .option('netns', {
        type: 'string',
        requiresArg: true,
        describe: 'For the programs in this network namespace only; made where there is none of that name',
      })
      .option('background', {
        type: 'boolean',
        default: false,
        describe: 'Return once connected; "pontage status" and "pontage disconnect" do the rest',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print one event a line' }),
  async handler(argv) {
    if (!argv.background) return runConnection(argv)
    requirePasswordFile(argv.passwordFile)
    const connected = await startInBackground(argv.home, process.argv.slice(1))
    printLine(argv.json ? connected.line : connected.sentence)
  },
})
