import { address, parseTokens } from '@pontage/shared'
import { printJson } from '@pontage/shared/node'
import { costText } from '../../channel/costText.js'
import { openChannel } from '../../channel/openChannel.js'
import { confirm } from '../confirm.js'
import { withJournal } from '../journalled.js'
import { command, printLine, type Settings, withSettings } from '../settings.js'
import { relayFeeFlag } from './flags.js'

type Options = Settings & { hub: string; amount: string; maxRelayFee: string; yes: boolean; json: boolean }

export const openCommand = command<Options>({
  command: 'open',
  describe: 'Lock a deposit with a hub; the hub sends the transactions, so no gas coin is needed',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ ...relayFeeFlag })
      .option('hub', { type: 'string', demandOption: true, describe: 'Address of the hub' })
      .option('amount', {
        type: 'string',
        demandOption: true,
        describe: 'Tokens to deposit; what is not spent is returned',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Do not ask for confirmation' }),
  handler: (argv) =>
    withJournal(argv, async (context, journal) => {
      const { chain } = context
      const isAsked = !argv.yes && !argv.json && process.stdin.isTTY === true
      const opened = await openChannel(context, journal, {
        hub: address(argv.hub),
        amount: parseTokens(argv.amount, chain.tokenDecimals),
        maxRelayFee: parseTokens(argv.maxRelayFee, chain.tokenDecimals),
        confirm: async (cost) => {
          if (!argv.json) printLine(costText(context, cost))
          if (isAsked) await confirm()
        },
      })
      const { channelId, registerTransaction, openTransaction, relayFees } = opened
      if (argv.json) return printJson({ channelId, registerTransaction, openTransaction, relayFees })
      if (registerTransaction) printLine(`Registered in transaction ${registerTransaction}.`)
      printLine(`Opened channel ${channelId} in transaction ${openTransaction}.`)
    }),
})
