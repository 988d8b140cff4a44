import { inTokens, payee, printJson } from '@pontage/shared/node'
import { collect } from '../channel/collect.js'
import { openContext } from '../context.js'
import { type RelayOptions, relayFlags, relayWishes, sentBy } from './channel/flags.js'
import { command, logFrom, printLine, type Settings, withSettings } from './settings.js'

export const collectCommand = command<Settings & RelayOptions & { to: string; json: boolean }>({
  command: 'collect <to>',
  describe: 'Collect what the token refused to pay you, to another address',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ ...relayFlags })
      .positional('to', { type: 'string', demandOption: true, describe: 'Address that is paid' }),
  async handler(argv) {
    const context = await openContext(argv, logFrom(argv))
    try {
      const { chain } = context
      const done = await collect(context, payee(argv.to, chain.deployment), relayWishes(argv, chain))
      if (argv.json) return printJson(done)
      const { amount, transaction } = done
      printLine(
        `Collected ${inTokens(chain, amount)} to ${argv.to} in transaction ${transaction}${sentBy(chain, done)}.`,
      )
    } finally {
      context.chain.close()
    }
  },
})
