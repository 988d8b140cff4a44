import { printJson } from '@pontage/shared/node'
import { requirePasswordFile, startInBackground } from '../connect/background.js'
import { type ConnectionOptions, connectionFlags, meantBy, runConnection } from './connection.js'
import { askToConnect } from './service/askToConnect.js'
import { asksService } from './service/place.js'
import { command, printLine, withSettings } from './settings.js'

export const connectCommand = command<ConnectionOptions & { background: boolean }>({
  command: 'connect [provider]',
  describe: 'Connect through a tunnel behind the kill switch, and pay for each megabyte',
  builder: (yargs) =>
    withSettings(yargs)
      .positional('provider', {
        type: 'string',
        describe:
          'A provider’s address, its number in "pontage providers", a country, a name of yours, or the link of an invitation; by default the cheapest that fits',
      })
      .options(connectionFlags)
      .option('netns', {
        type: 'string',
        requiresArg: true,
        describe:
          'Connect only the programs in this network namespace, which is created if it does not exist',
      })
      .option('background', {
        type: 'boolean',
        default: false,
        describe: 'Return once connected; use "pontage status" and "pontage disconnect" from then on',
      })
      .option('json', { type: 'boolean', default: false, describe: 'Print one JSON event per line' }),
  async handler(argv) {
    if (argv.netns === undefined && asksService(argv)) {
      const { provider, country } = await meantBy(argv)
      const { cap, budget, maxPrice } = argv
      const wishes = { provider, country, cap, budget, maxPrice }
      const connected = await askToConnect(argv, wishes)
      if (argv.json) printJson(connected)
      else printLine(`Connected to ${connected.provider} through ${connected.interface}, by the service.`)
      return
    }
    if (!argv.background) return runConnection(argv)
    requirePasswordFile(argv.passwordFile)
    const { event, pid } = await startInBackground(argv.home, process.argv.slice(1))
    if (argv.json) printJson(event)
    else
      printLine(
        `Connected to ${event.provider} through ${event.interface}, in the background (process ${pid}).`,
      )
  },
})
