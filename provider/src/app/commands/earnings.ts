import { amountText, countOf, formatBytes, formatTokens, type TokenNames } from '@pontage/shared'
import {
  type CommonOptions,
  keystoreAddress,
  printJson,
  printLines,
  readToken,
  UserError,
} from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { type Earnings, type EarningsBy, earningsBy, totalOf } from '../../core/earnings.js'
import { SessionStore } from '../../io/store/sessionStore.js'
import { SettlementStore } from '../../io/store/settlementStore.js'
import { openDatabase } from '../../io/store/storeSchema.js'

type Options = CommonOptions & { by: EarningsBy; json: boolean; csv: boolean; decimals: number | undefined }

/** What was earned, from the store alone. */
export const earningsCommand: CommandModule<CommonOptions, Options> = {
  command: 'earnings',
  describe: 'Show what was promised, drawn and redeemed, and the gas it cost',
  builder: {
    by: { choices: ['day', 'session', 'hub'], default: 'day', describe: 'What each line is for' },
    csv: {
      type: 'boolean',
      default: false,
      describe: 'Print CSV, with amounts in the smallest unit',
    },
    decimals: {
      type: 'number',
      describe: 'Decimals of the token, for the table; by default those of the chain’s token',
    },
  } as never,
  handler: earnings,
}

async function earnings({ home, by, json, csv, decimals }: Options): Promise<void> {
  if (json && csv) throw new UserError('Give either --json or --csv, not both.')
  await keystoreAddress(home)
  const token = readToken(home)
  const names = { symbol: '', ...token, decimals: decimals ?? token?.decimals ?? 18 }
  const db = openDatabase(home)
  try {
    const settlements = new SettlementStore(db).all()
    const rows = earningsBy(by, new SessionStore(db).earned(), settlements)
    // Draws and gas belong to no session: the total is that of all views.
    const total = totalOf(by === 'session' ? [...rows, ...earningsBy('day', [], settlements)] : rows)
    if (json) printJson({ by, rows, total })
    else if (csv)
      printLines(
        [...columns, 'token', 'decimals'].join(','),
        ...rows.map((row) => [...columns.map((name) => row[name]), names.symbol, names.decimals].join(',')),
      )
    else printLines(...[...rows, total].map((row) => sentence(row, by, names)))
  } finally {
    db.close()
  }
}

const columns = [
  ...(['of', 'sessions', 'bytes', 'promised', 'drawn', 'redeemed', 'gas', 'gasPaid'] as const),
] satisfies (keyof Earnings)[]

function sentence(row: Earnings, by: EarningsBy, token: TokenNames): string {
  const tokens = (amount: bigint) => amountText(amount, token).trimEnd()
  const brought = `${row.of}: ${countOf(row.sessions, 'session')}, ${formatBytes(row.bytes)}, promised ${tokens(row.promised)}`
  if (by === 'session' && row.of !== 'total') return brought
  return `${brought}, drawn ${tokens(row.drawn)}, redeemed ${tokens(row.redeemed)}, gas ${row.gas} (${formatTokens(row.gasPaid, 18)} coins)`
}
