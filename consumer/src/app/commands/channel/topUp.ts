import { bytes32, parseTokens } from '@pontage/shared'
import { inTokens, jsonFlag, printJson } from '@pontage/shared/node'
import { findOpenChannel } from '../../channel/closeChannel.js'
import { topUp } from '../../channel/topUp.js'
import { withJournal } from '../journalled.js'
import { command, printLine, type Settings, withSettings } from '../settings.js'
import { channelFlag } from './flags.js'

export const topUpCommand = command<Settings & { amount: string; json: boolean; channel?: string }>({
  command: 'top-up',
  describe: 'Add tokens to a channel; you send the transaction and pay the gas',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ ...channelFlag, ...jsonFlag })
      .option('amount', { type: 'string', demandOption: true, describe: 'Tokens to add' }),
  handler: (argv) =>
    withJournal(argv, async (context) => {
      const named = argv.channel === undefined ? undefined : bytes32(argv.channel)
      const amount = parseTokens(argv.amount, context.chain.tokenDecimals)
      const done = await topUp(context, await findOpenChannel(context, named), amount)
      if (argv.json) return printJson(done)
      const { channelId, transaction, balance } = done
      printLine(
        `Added ${inTokens(context.chain, amount)} to channel ${channelId} in transaction ${transaction}; it now holds ${inTokens(context.chain, balance)}.`,
      )
    }),
})
