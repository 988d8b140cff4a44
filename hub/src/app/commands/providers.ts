import { countOf, larger, wei } from '@pontage/shared'
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
import type { Tab } from '../../core/channelLine.js'
import { type Account, advanceNeeded } from '../../core/solvency.js'
import { type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'
import { table } from './table.js'

type Options = ChainOptions & LedgerOptions & { limit: number; json: boolean }

/** Lists the providers: what each is owed, and which guarantees it holds. */
export const providers: CommandModule<CommonOptions, Options> = {
  command: 'providers',
  describe: 'List the providers, what each is owed, and the guarantees they hold',
  builder: {
    ...chainFlags,
    ...ledgerFlags,
    limit: {
      type: 'number',
      default: 100,
      requiresArg: true,
      describe: 'At most so many: those that may redeem most',
    },
  },
  async handler(options) {
    const most = wholeNumber('--limit', options.limit, 1)
    const { count, shown } = await withLedger(options, (ledger) => ledger.listProviders(most))
    const entries = shown.map(standing)
    if (options.json) return printJson({ count, providers: entries })
    await onChain(options, async (chain) => {
      const rows = entries.map((entry) => [
        entry.provider,
        inTokens(chain, entry.owed),
        inTokens(chain, entry.advance),
        inTokens(chain, entry.guaranteed),
        entry.guarantees === 0 ? '' : `${entry.guarantees}, until ${timeOf(entry.guaranteedUntil)}`,
      ])
      printLines(...table(['Provider', 'Owed', 'Undrawn of it', 'Guaranteed', 'Guarantees'], rows))
      if (count > shown.length)
        printLines(`${shown.length} of ${countOf(count, 'provider')}. To see others, give a higher --limit.`)
    })
  },
}

/** One line for a provider that is promised or guaranteed anything. */
function standing({ live, ...account }: Account & { readonly live: readonly Tab[] }) {
  const due = larger(account.total, account.credited)
  return {
    ...account,
    /** What it may redeem now. */
    owed: wei(due > account.paid ? due - account.paid : 0n),
    /** What the pool would have to advance of that. */
    advance: advanceNeeded([account]),
    /** What it may still draw under its live guarantees. */
    guaranteed: wei(
      live.reduce(
        (sum, { liveCeiling, drawn }) => sum + (liveCeiling > drawn ? liveCeiling - drawn : 0n),
        0n,
      ),
    ),
    guarantees: live.length,
    guaranteedUntil: Math.max(0, ...live.map(({ expiresAt }) => expiresAt)),
  }
}
