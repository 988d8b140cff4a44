import { countOf } from '@pontage/shared'
import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  inTokens,
  type KeyOptions,
  keyFlags,
  onChain,
  printJson,
  printLines,
  wholeNumber,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { drawAll } from './drawAll.js'
import { type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'
import { table } from './table.js'

type Options = ChainOptions & LedgerOptions & KeyOptions & { limit: number; now: boolean; json: boolean }

/** Shows what the hub holds undrawn, or draws it all. */
export const draw: CommandModule<CommonOptions, Options> = {
  command: 'draw',
  describe: 'Show the promises that are held but not drawn yet; --now draws all of them',
  builder: {
    ...chainFlags,
    ...ledgerFlags,
    ...keyFlags,
    limit: {
      type: 'number',
      default: 100,
      requiresArg: true,
      describe: 'Show at most so many: those that have to be drawn first, then the largest',
    },
    now: { type: 'boolean', default: false, describe: 'Draw all of them, whatever it costs' },
  },
  handler: (options) =>
    onChain(options, async (chain) => {
      if (options.now) {
        const drawn = await drawAll(options, chain)
        const sum = drawn.reduce((total, { amount }) => total + BigInt(amount), 0n)
        if (options.json) return printJson({ drawn, sum })
        const transactions = new Set(drawn.map(({ transaction }) => transaction))
        return printLines(
          drawn.length === 0
            ? 'There was nothing to draw.'
            : `Drew ${inTokens(chain, sum)} from ${countOf(drawn.length, 'promise')} (transactions ${[...transactions].join(', ')}).`,
        )
      }
      const most = wholeNumber('--limit', options.limit, 1)
      const [held, { undrawn: sum }] = await withLedger(options, (ledger) =>
        Promise.all([ledger.pressing(most), ledger.tally()]),
      )
      const undrawn = held
        .slice(0, most)
        .map(({ channelId, provider, amount, drawn }) => ({ channelId, provider, amount: amount - drawn }))
      if (options.json) return printJson({ undrawn, sum })
      const rows = undrawn.map((each) => [each.channelId, each.provider, inTokens(chain, each.amount)])
      printLines(
        ...(rows.length > 0 ? table(['Channel', 'Provider', 'Undrawn'], rows) : []),
        `Undrawn in total: ${inTokens(chain, sum)}`,
      )
    }),
}
