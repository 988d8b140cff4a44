import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  inTokens,
  keystoreAddress,
  onChain,
  printJson,
  printLines,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { type HubEarnings, type HubEarningsBy, hubEarningsBy, totalOfHub } from '../../core/hubEarnings.js'
import { drawsOf } from '../../io/chain/drawsOf.js'
import { table } from './table.js'

type Options = ChainOptions & { by: HubEarningsBy; csv: boolean }

/** What the hub kept of what it drew, by the chain alone: a lost ledger changes nothing. */
export const earnings: CommandModule<CommonOptions, Options> = {
  command: 'earnings',
  describe: 'Show the fees that the hub kept of what it drew, read from the chain',
  builder: {
    ...chainFlags,
    by: { choices: ['day', 'provider', 'channel'], default: 'day', describe: 'What each line is for' },
    csv: { type: 'boolean', default: false, describe: 'Print CSV, with amounts in the smallest unit' },
  } as never,
  async handler(options) {
    const { home, by, csv, json } = options
    if (json && csv) throw new UserError('Give either --json or --csv, not both.')
    const hub = await keystoreAddress(home)
    await onChain(options, async (chain) => {
      const rows = hubEarningsBy(by, await drawsOf(chain, hub))
      const total = totalOfHub(rows)
      if (json) return printJson({ hub, by, rows, total })
      if (csv) {
        const unit = `${chain.tokenSymbol},${chain.tokenDecimals}`
        const line = ({ of, draws, drawn, fees }: HubEarnings) => `${of},${draws},${drawn},${fees},${unit}`
        return printLines('of,draws,drawn,fees,token,decimals', ...rows.map(line))
      }
      const cells = ({ of, draws, drawn, fees }: HubEarnings) => [
        ...[of, `${draws}`, inTokens(chain, drawn), inTokens(chain, fees)],
      ]
      printLines(
        ...table([by[0]?.toUpperCase() + by.slice(1), 'Draws', 'Drawn', 'Fees'], [...rows, total].map(cells)),
      )
    })
  },
}
