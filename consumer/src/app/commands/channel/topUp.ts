import { bytes32, parseTokens } from '@pontage/shared'
import { inTokens, printJson } from '@pontage/shared/node'
import { awaitConfirmed } from '../../../io/home/confirmation.js'
import { findOpenChannel } from '../../channel/closeChannel.js'
import { topUp } from '../../channel/topUp.js'
import { withJournal } from '../journalled.js'
import { command, printLine, type Settings, withSettings } from '../settings.js'
import { channelFlag, type RelayOptions, relayFlags, relayWishes, sentBy } from './flags.js'

export const topUpCommand = command<
  Settings & RelayOptions & { amount: string; json: boolean; channel?: string }
>({
  command: 'top-up',
  describe: 'Add tokens to a channel; without a gas coin a hub sends it for a fee',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ ...channelFlag, ...relayFlags })
      .option('amount', { type: 'string', demandOption: true, describe: 'Tokens to add' }),
  handler: (argv) =>
    withJournal(argv, async (context) => {
      const named = argv.channel === undefined ? undefined : bytes32(argv.channel)
      const amount = parseTokens(argv.amount, context.chain.tokenDecimals)
      const wishes = relayWishes(argv, context.chain)
      const done = await topUp(context, await findOpenChannel(context, named), amount, wishes)
      // Hubs guarantee nothing on what is not that deep: a connect right afterwards would be refused.
      await awaitConfirmed(context.chain, done.transaction, context.chain.confirmations)
      if (argv.json) return printJson(done)
      const { channelId, transaction, balance } = done
      printLine(
        `Added ${inTokens(context.chain, amount)} to channel ${channelId} in transaction ${transaction}${sentBy(context.chain, done)}; it now holds ${inTokens(context.chain, balance)}.`,
      )
    }),
})
