import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  inTokens,
  onChain,
  printJson,
  printLines,
  timeOf,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import type { ChannelLine } from '../../core/channelLine.js'
import { reservedBy } from '../../core/reserve.js'
import { type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'
import { table } from './table.js'

type Options = ChainOptions & LedgerOptions & { urgent: boolean; json: boolean }

/** Lists the open channels: what they hold, and what of it the hub stands for. */
export const channels: CommandModule<CommonOptions, Options> = {
  command: 'channels',
  describe: 'List the open channels, what they hold and what is reserved of it',
  builder: {
    ...chainFlags,
    ...ledgerFlags,
    urgent: {
      type: 'boolean',
      default: false,
      describe: 'Only those that a consumer leaves or a provider protests on',
    },
  },
  async handler(options) {
    const all = await withLedger(options, (ledger) => ledger.openChannels())
    const lines = options.urgent ? all.filter(isUrgent) : all
    if (options.json) return printJson({ channels: lines.map(described) })
    await onChain(options, async (chain) => {
      const rows = lines.map((line) => [
        line.channelId,
        line.consumer,
        inTokens(chain, line.balance),
        inTokens(chain, reservedBy(line.tabs)),
        stateOf(line),
      ])
      printLines(...table(['Channel', 'Consumer', 'Balance', 'Reserved', 'State'], rows))
    })
  },
}

const isUrgent = ({ exitAt, tabs }: ChannelLine): boolean =>
  exitAt > 0 || tabs.some(({ protestEndsAt }) => protestEndsAt > 0)

const described = (line: ChannelLine) => ({
  channelId: line.channelId,
  consumer: line.consumer,
  nonce: line.nonce,
  balance: line.balance,
  reserved: reservedBy(line.tabs),
  exitAt: line.exitAt,
  closing: line.closing,
  providers: line.tabs,
})

function stateOf({ closing, exitAt }: ChannelLine): string {
  if (closing) return 'closing'
  return exitAt > 0 ? `exit at ${timeOf(exitAt)}` : 'open'
}
