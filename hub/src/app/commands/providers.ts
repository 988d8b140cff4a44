import { type Address, larger, wei } from '@pontage/shared'
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
import { type Account, advanceNeeded } from '../../core/solvency.js'
import { type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'
import { table } from './table.js'

type Options = ChainOptions & LedgerOptions & { json: boolean }

/** Lists the providers: what each is owed, and which guarantees it holds. */
export const providers: CommandModule<CommonOptions, Options> = {
  command: 'providers',
  describe: 'List the providers, what each is owed, and the guarantees they hold',
  builder: { ...chainFlags, ...ledgerFlags },
  async handler(options) {
    const entries = await withLedger(options, async (ledger) => {
      const [accounts, lines] = await Promise.all([ledger.accounts(), ledger.openChannels()])
      return standings(accounts, lines)
    })
    if (options.json) return printJson({ providers: entries })
    await onChain(options, async (chain) => {
      const rows = entries.map((entry) => [
        entry.provider,
        inTokens(chain, entry.owed),
        inTokens(chain, entry.advance),
        inTokens(chain, entry.guaranteed),
        entry.guarantees === 0 ? '' : `${entry.guarantees}, until ${timeOf(entry.guaranteedUntil)}`,
      ])
      printLines(...table(['Provider', 'Owed', 'Undrawn of it', 'Guaranteed', 'Guarantees'], rows))
    })
  },
}

/** One line for each provider that is promised or guaranteed anything. */
function standings(accounts: readonly Account[], lines: readonly ChannelLine[]) {
  const tabs = lines.flatMap((line) => line.tabs)
  const names = new Set<Address>([...accounts, ...tabs].map(({ provider }) => provider))
  return [...names].sort().map((provider) => {
    const account = accounts.find((each) => each.provider === provider) ?? {
      provider,
      total: wei(0n),
      credited: wei(0n),
      paid: wei(0n),
    }
    const live = tabs.filter((tab) => tab.provider === provider && tab.liveCeiling > 0n)
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
  })
}
