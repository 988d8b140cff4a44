import { bytes32 } from '@pontage/shared'
import { askFirst, inTokens, printJson, withheldNote, yesFlag } from '@pontage/shared/node'
import { closeChannel, findOpenChannel } from '../../channel/closeChannel.js'
import { withJournal } from '../journalled.js'
import { command, printLine, type Settings, withSettings } from '../settings.js'
import { channelFlag } from './flags.js'

export const closeCommand = command<Settings & { json: boolean; yes: boolean; channel?: string }>({
  command: 'close',
  describe: 'Close a channel together with its hub: what is not spent is returned at once',
  builder: (yargs) => withSettings(yargs).options({ ...channelFlag, ...yesFlag }),
  handler: (argv) =>
    withJournal(argv, async (context, journal) => {
      const named = argv.channel === undefined ? undefined : bytes32(argv.channel)
      const channel = await findOpenChannel(context, named)
      await askFirst(
        `Channel ${channel.channelId} is closed for good; to pay again, another one has to be opened, for a fee.`,
        argv,
      )
      const closed = await closeChannel(context, journal, channel)
      if (argv.json) return printJson(closed)
      const { channelId, transaction, returned, spent } = closed
      printLine(`Closed channel ${channelId} in transaction ${transaction}.`)
      printLine(
        `${inTokens(context.chain, returned)} was returned; ${inTokens(context.chain, spent)} went to providers.`,
      )
      const { amount: withheld } = await context.chain.channels.withheldOf(context.identity.address)
      if (withheld > 0n) printLine(withheldNote(context.chain, withheld, 'pontage'))
    }),
})
