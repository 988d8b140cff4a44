import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type CommonOptions, type Given, UserError } from '@pontage/shared/node'
import type { Ledger } from '../../io/ledger.js'
import { openPostgresLedger } from '../../io/postgres/postgresLedger.js'
import { openSqliteLedger } from '../../io/sqlite/sqliteLedger.js'

/** Flags of every command that looks into the ledger. */
export const ledgerFlags = {
  database: {
    type: 'string',
    requiresArg: true,
    describe: 'PostgreSQL database for the ledger, postgres://USER@HOST/NAME; by default a file in --home',
  },
} as const

export type LedgerOptions = CommonOptions & Given<typeof ledgerFlags>

export const ledgerPath = (home: string): string => join(home, 'ledger.sqlite')

/** Whether there is a ledger already. A database always counts as one: it is made ready when it is opened. */
export const hasLedger = ({ home, database }: LedgerOptions): boolean =>
  database !== undefined || existsSync(ledgerPath(home))

/** Opens the ledger, made where there is none. @throws UserError when the database cannot be used. */
export function openLedger({ home, database }: LedgerOptions): Promise<Ledger> {
  if (database === undefined) return openSqliteLedger(ledgerPath(home))
  if (!/^postgres(ql)?:\/\//.test(database))
    throw new UserError('--database takes the address of a PostgreSQL database: postgres://USER@HOST/NAME.')
  return openPostgresLedger(database)
}

/**
 * Opens the ledger beside the hub that may be running on it.
 *
 * @throws UserError when there is none yet.
 */
export async function withLedger<Result>(
  options: LedgerOptions,
  work: (ledger: Ledger) => Promise<Result>,
): Promise<Result> {
  if (!hasLedger(options))
    throw new UserError(
      `There is no ledger at ${ledgerPath(options.home)} yet. Run pontage-hub run first, or give its --home.`,
    )
  const ledger = await openLedger(options)
  try {
    return await work(ledger)
  } finally {
    await ledger.close()
  }
}
