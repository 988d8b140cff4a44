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

type Options = ChainOptions & LedgerOptions & { urgent: boolean; of?: string; limit?: number; json: boolean }

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
      requiresArg: true,
      describe: 'At most so many: those that have to be drawn first, then those that hold most',
    },
  },
  async handler(options) {
    const all = await withLedger(options, (ledger) => ledger.openChannels())
    const found = all.filter((line) => (!options.urgent || isUrgent(line)) && isOf(line, options.of))
    const lines =
      options.limit === undefined
        ? found
        : found.toSorted(byWeight).slice(0, wholeNumber('--limit', options.limit, 1))
    if (options.json) return printJson({ count: found.length, channels: lines.map(described) })
    await onChain(options, async (chain) => {
      const rows = lines.map((line) => [
        line.channelId,
        line.consumer,
        inTokens(chain, line.balance),
        inTokens(chain, reservedBy(line.tabs)),
        stateOf(line),
      ])
      printLines(...table(['Channel', 'Consumer', 'Balance', 'Reserved', 'State'], rows))
      if (found.length > lines.length) printLines(`${lines.length} of ${found.length} channels.`)
    })
  },
}

const isUrgent = ({ exitAt, tabs }: ChannelLine): boolean =>
  exitAt > 0 || tabs.some(({ protestEndsAt }) => protestEndsAt > 0)

const isOf = ({ channelId, consumer, tabs }: ChannelLine, sought = ''): boolean => {
  const text = sought.toLowerCase()
  return [channelId, consumer, ...tabs.map(({ provider }) => provider)].some((id) => id.startsWith(text))
}

const byWeight = (one: ChannelLine, other: ChannelLine): number =>
  dueAt(one) - dueAt(other) || Number(other.balance > one.balance) - Number(one.balance > other.balance)

/** When an exit or the first protest can be carried out; never, where there is none. */
const dueAt = ({ exitAt, tabs }: ChannelLine): number =>
  Math.min(
    ...[exitAt, ...tabs.map(({ protestEndsAt }) => protestEndsAt)].map((at) =>
      at > 0 ? at : Number.MAX_SAFE_INTEGER,
    ),
  )

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
