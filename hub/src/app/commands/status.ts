import { hasRole, isActive } from '@pontage/shared'
import {
  askControl,
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  controlPath,
  inTokens,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  readHub,
  readStanding,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { hasLedger, type LedgerOptions, ledgerFlags, withLedger } from './openLedger.js'

type Options = ChainOptions & LedgerOptions & { json: boolean }

/** Shows where the hub stands: on chain, and by its own ledger. */
export const status: CommandModule<CommonOptions, Options> = {
  command: 'status',
  describe: 'Show stake, pool, channels and what is owed',
  builder: {
    ...chainFlags,
    ...ledgerFlags,
  },
  async handler(options) {
    const hub = await keystoreAddress(options.home)
    await onChain(options, async (chain) => {
      const [standing, view, coin, tokens] = await Promise.all([
        readStanding(chain, hub),
        readHub(chain, hub),
        chain.rpc.getBalance(hub),
        chain.token.balanceOf(hub),
      ])
      const owed = await fromLedger(options)
      if (options.json)
        return printJson({
          hub,
          registered: hasRole(standing, 'hub'),
          active: isActive(standing, 'hub'),
          url: standing.url,
          stake: standing.stake,
          faults: standing.faults,
          debt: standing.debt,
          pool: view.pool,
          pendingWithdrawal: view.pendingWithdrawal,
          feeBps: view.feeBps,
          gasCoin: coin,
          tokens,
          ...owed,
          running: (await askControl<object>(controlPath(options.home), { type: 'status' })) ?? null,
        })
      const rows: [string, string][] = [
        ['Hub', hub],
        ['Address', standing.url === '' ? 'not registered' : standing.url],
        [
          'Stake',
          `${inTokens(chain, standing.stake)}, faults ${standing.faults}, debt ${inTokens(chain, standing.debt)}`,
        ],
        ['Pool', inTokens(chain, view.pool)],
        ['Fee', `${view.feeBps / 100} %`],
        ['Open channels', `${owed.channels}`],
        [
          'Providers',
          `${owed.providers}, ${inTokens(chain, owed.advanceNeeded)} to advance if all of them redeemed`,
        ],
        ['Undrawn', inTokens(chain, owed.undrawn)],
      ]
      printLines(...rows.map(([name, value]) => `${name.padEnd(14)}${value}`))
    })
  },
}

/** Reads beside a running hub: the database lets many read while one writes. */
async function fromLedger(options: LedgerOptions) {
  if (!hasLedger(options)) return { channels: 0, providers: 0, advanceNeeded: 0n, undrawn: 0n }
  return withLedger(options, async (ledger) => {
    const [{ channels, owed, undrawn }, providers] = await Promise.all([
      ledger.tally(),
      ledger.countProviders(),
    ])
    return { channels, providers, advanceNeeded: owed, undrawn }
  })
}
