import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@pontage/shared/node'
import type { Ledger } from '../../io/ledger.js'
import { openSqliteLedger } from '../../io/sqlite/sqliteLedger.js'

export const ledgerPath = (home: string): string => join(home, 'ledger.sqlite')

/**
 * Opens the ledger of a home beside the hub that may be running on it: many read while one writes.
 *
 * @throws UserError when there is none yet.
 */
export async function withLedger<Result>(
  home: string,
  work: (ledger: Ledger) => Promise<Result>,
): Promise<Result> {
  const path = ledgerPath(home)
  if (!existsSync(path))
    throw new UserError(`There is no ledger at ${path} yet. Run pontage-hub run first, or name its --home.`)
  const ledger = await openSqliteLedger(path)
  try {
    return await work(ledger)
  } finally {
    await ledger.close()
  }
}
