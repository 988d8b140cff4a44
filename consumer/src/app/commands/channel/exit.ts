import { bytes32, parseTokens } from '@pontage/shared'
import { type Chain, inTokens, printJson, timeOf } from '@pontage/shared/node'
import { inWords } from '../../../core/leaving.js'
import { findOpenChannel } from '../../channel/closeChannel.js'
import { beginExit, type ExitBegun, type ExitFinished, finishExit } from '../../channel/exitChannel.js'
import { withJournal } from '../journalled.js'
import { command, printLine, type Settings, withSettings } from '../settings.js'
import { channelFlag, relayFeeFlag } from './flags.js'

interface Options extends Settings {
  channel?: string
  relayer?: string
  maxRelayFee: string
  ownGas: boolean
  hubIsGone: boolean
  json: boolean
}

export const exitCommand = command<Options>({
  command: 'exit',
  describe:
    'Exit a channel without its hub: request the exit, wait for the delay, then run it again to get the rest',
  builder: (yargs) =>
    withSettings(yargs)
      .options({ ...channelFlag, ...relayFeeFlag })
      .option('relayer', {
        type: 'string',
        describe:
          'Address or URL of a hub that sends it for a fee; any hub will do, and by default one is found',
      })
      .option('own-gas', {
        type: 'boolean',
        default: false,
        describe: 'Send it yourself and pay the gas',
      })
      .option('hub-is-gone', {
        type: 'boolean',
        default: false,
        describe: 'Exit even though a close was signed that the hub never finished',
      }),
  handler: (argv) =>
    withJournal(argv, async (context, journal) => {
      const { chain } = context
      const named = argv.channel === undefined ? undefined : bytes32(argv.channel)
      const channel = await findOpenChannel(context, named)
      const { relayer, ownGas, hubIsGone } = argv
      const maxRelayFee = parseTokens(argv.maxRelayFee, chain.tokenDecimals)
      const wishes = { relayer, ownGas, maxRelayFee, hubIsGone }
      const { at: now } = await chain.head()
      const { exitAt } = channel
      if (exitAt > 0 && now >= exitAt) {
        const finished = await finishExit(context, journal, channel, wishes)
        if (argv.json) return printJson({ stage: 'finished', ...finished })
        return sayFinished(chain, finished)
      }
      if (exitAt === 0) {
        const begun = await beginExit(context, journal, channel, wishes)
        if (argv.json) return printJson({ stage: 'begun', ...begun })
        return sayBegun(chain, begun, now)
      }
      if (argv.json) return printJson({ stage: 'waiting', channelId: channel.channelId, exitAt })
      printLine(`The exit was requested; ${reminder(exitAt, now)}`)
    }),
})

const reminder = (exitAt: number, now: number): string =>
  `in ${inWords(exitAt - now)} (${timeOf(exitAt)}) run "pontage channel exit" again to get the rest.`

function sayBegun(
  chain: Chain,
  { channelId, transaction, exitAt, relayFee, relayedBy }: ExitBegun,
  now: number,
) {
  const who =
    relayedBy === null ? '' : `, sent by ${relayedBy} for ${inTokens(chain, relayFee)} from the rest`
  printLine(`Requested the exit from channel ${channelId} in transaction ${transaction}${who}.`)
  printLine(`Until then, providers can draw what you promised them; ${reminder(exitAt, now)}`)
}

function sayFinished(chain: Chain, { channelId, transaction, returned }: ExitFinished) {
  printLine(
    `Exited channel ${channelId} in transaction ${transaction}: ${inTokens(chain, returned)} was returned.`,
  )
}
