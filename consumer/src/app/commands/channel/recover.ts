import { bytes32 } from '@pontage/shared'
import { inTokens, printJson } from '@pontage/shared/node'
import { findOpenChannel } from '../../channel/closeChannel.js'
import { recover } from '../../channel/recoverTotals.js'
import { withJournal } from '../journalled.js'
import { command, printLine, type Settings, withSettings } from '../settings.js'
import { channelFlag } from './flags.js'

export const recoverCommand = command<Settings & { json: boolean; channel?: string }>({
  command: 'recover',
  describe:
    'After a lost disk, an old backup or a change of device: recover what was promised from those who hold it',
  builder: (yargs) => withSettings(yargs).options({ ...channelFlag }),
  handler: (argv) =>
    withJournal(argv, async (context, journal) => {
      const named = argv.channel === undefined ? undefined : bytes32(argv.channel)
      const channel = await findOpenChannel(context, named)
      const news = await recover(context, journal, channel)
      const promised = journal.trail().totals(channel.channelId)
      if (argv.json) return printJson({ channelId: channel.channelId, news, promised })
      printLine(`${news} total${news === 1 ? ' was' : 's were'} new, each with your own signature.`)
      for (const { provider, amount } of promised)
        printLine(`    promised ${inTokens(context.chain, amount)} to ${provider}`)
      printLine('Anything else that a provider holds is recovered when you connect to it.')
    }),
})
