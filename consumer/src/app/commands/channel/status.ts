import { inTokens, keystoreAddress, onChain, printJson } from '@pontage/shared/node'
import { inWords } from '../../../core/leaving.js'
import { type OwnChannel, readChannels } from '../../../io/chain/channelReader.js'
import { readJournal } from '../../../io/home/journal.js'
import { command, printLine, type Settings, withSettings } from '../settings.js'

export const statusCommand = command<Settings & { json: boolean }>({
  command: 'status',
  describe: 'Show every channel: what it holds, what is promised from it, and whether it is being closed',
  builder: (yargs) => withSettings(yargs),
  async handler(argv) {
    const consumer = await keystoreAddress(argv.home)
    await onChain(argv, async (chain) => {
      const trail = await readJournal(argv.home)
      const { at: now } = await chain.head()
      const channels = (await readChannels(argv.home, chain, consumer)).map((channel) => ({
        ...channel,
        closing: trail.isClosing(channel.channelId),
        /** Seconds until the rest can be taken; null where no exit has begun. */
        exitInSeconds: channel.exitAt === 0 ? null : Math.max(0, channel.exitAt - now),
        promised: trail.totals(channel.channelId),
      }))
      if (argv.json) return printJson({ channels })
      if (channels.length === 0)
        return printLine(
          'There is no channel yet. Open one with "pontage channel open --hub HUB --amount TOKENS".',
        )
      for (const channel of channels) {
        printLine(`${channel.channelId}  ${stateOf(channel)}, holds ${inTokens(chain, channel.balance)}`)
        printLine(`    hub ${channel.hub}`)
        for (const { provider, amount } of channel.promised)
          printLine(`    promised ${inTokens(chain, amount)} to ${provider}`)
      }
    })
  },
})

function stateOf(channel: OwnChannel & { closing: boolean; exitInSeconds: number | null }): string {
  const { status, closing, exitInSeconds } = channel
  if (status !== 'open') return status
  if (exitInSeconds !== null)
    return exitInSeconds > 0
      ? `exit requested, the rest is available in ${inWords(exitInSeconds)}`
      : 'exit due: get the rest with "pontage channel exit"'
  return closing ? 'closing: finish with "pontage channel close"' : status
}
