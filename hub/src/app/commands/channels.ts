import { countOf } from '@pontage/shared'
import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  inTokens,
  onChain,
  printJson,
  printLines,
  timeOf,
  wholeNumber,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import type { ChannelLine } from '../../core/channelLine.js'
import { reservedBy } from '../../core/reserve.js'
import { type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'
import { table } from './table.js'

type Options = ChainOptions & LedgerOptions & { urgent: boolean; of?: string; limit: number; json: boolean }

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
    of: {
      type: 'string',
      requiresArg: true,
      describe: 'Only that channel, or those of that consumer or provider',
    },
    limit: {
      type: 'number',
      default: 100,
      requiresArg: true,
      describe: 'At most so many: those that have to be drawn first, then those that hold most',
    },
  },
  async handler(options) {
    const { urgent, of, limit } = options
    const most = wholeNumber('--limit', limit, 1)
    if (of !== undefined && !/^0x[0-9a-f]{0,64}$/i.test(of))
      throw new RangeError(
        `--of is "${of}": expected a channel or an address, or how it begins, such as 0x12ab.`,
      )
    const { count, shown } = await withLedger(options, (ledger) => ledger.listChannels({ urgent, of, most }))
    if (options.json) return printJson({ count, channels: shown.map(described) })
    await onChain(options, async (chain) => {
      const rows = shown.map((line) => [
        line.channelId,
        line.consumer,
        inTokens(chain, line.balance),
        inTokens(chain, reservedBy(line.tabs)),
        stateOf(line),
      ])
      printLines(...table(['Channel', 'Consumer', 'Balance', 'Reserved', 'State'], rows))
      if (count > shown.length)
        printLines(
          `${shown.length} of ${countOf(count, 'channel')}. To see others, give --of or a higher --limit.`,
        )
    })
  },
}

const described = (line: ChannelLine) => ({
  channelId: line.channelId,
  consumer: line.consumer,
  nonce: line.nonce,
  balance: line.balance,
  reserved: reservedBy(line.tabs),
  exitAt: line.exitAt,
  closing: line.closing,
  providers: line.tabs.map((tab) => ({
    provider: tab.provider,
    liveCeiling: tab.liveCeiling,
    ceiling: tab.ceiling,
    expiresAt: tab.expiresAt,
    cleared: tab.cleared,
    protested: tab.protested,
    protestEndsAt: tab.protestEndsAt,
    drawn: tab.drawn,
  })),
})

function stateOf({ closing, exitAt }: ChannelLine): string {
  if (closing) return 'closing'
  return exitAt > 0 ? `exit at ${timeOf(exitAt)}` : 'open'
}
