import { existsSync } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { formatBytes } from '@pontage/shared'
import { type CommonOptions, printJson, printLines, UserError } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import type { Ledger } from '../../io/ledger.js'
import { ledgerLines, rowsFrom } from '../../io/ledgerFile.js'
import { backUp } from '../../io/sqlite/backup.js'
import { type LedgerOptions, ledgerFlags, ledgerPath, openLedger, withLedger } from './openLedger.js'

type Options = LedgerOptions & { action: string; file: string; json: boolean }
type Asked = Omit<Options, 'file'> & { file: string | undefined }

/** Copies the ledger, whether a hub runs on it or not, or carries it from a file to a database and back. */
export const ledger: CommandModule<CommonOptions, Asked> = {
  command: 'ledger <action> [file]',
  describe:
    '"ledger backup FILE" copies the ledger, even while the hub is running; "ledger export FILE" writes it as lines of JSON (- for standard output), "ledger import FILE" reads them into an empty ledger; "ledger rebuild" completes an old ledger from what providers hold',
  builder: {
    ...ledgerFlags,
    action: { choices: ['backup', 'export', 'import', 'rebuild'], describe: 'What to do' },
    file: { type: 'string', describe: 'File to write, which must not exist yet, or file to import' },
  },
  async handler(options) {
    const { action, file } = options
    if (action === 'rebuild') return rebuild(options)
    if (file === undefined) throw new UserError(`The file is missing: pontage-hub ledger ${action} FILE.`)
    const given = { ...options, file }
    if (action === 'backup') await backup(given)
    else if (action === 'export') await withLedger(given, (from) => exportTo(from, given))
    else await importFrom(given)
  },
}

async function backup({ home, database, file, json }: Options): Promise<void> {
  if (database !== undefined)
    throw new UserError(
      'A ledger in PostgreSQL is backed up by its server: pg_dump, or continuous archiving (docs/operations.md). "ledger export FILE" copies it as text.',
    )
  const path = ledgerPath(home)
  if (!existsSync(path))
    throw new UserError(`There is no ledger at ${path} yet. Run pontage-hub run first, or give its --home.`)
  const made = await backUp(path, String(file))
  if (json) printJson(made)
  else
    printLines(
      `Copied the ledger to ${made.file}: ${formatBytes(BigInt(made.bytes))}, up to block ${made.block}.`,
      'Keep it on another machine. It contains promises and signatures, but no key: back up the keystore too.',
    )
}

async function exportTo(from: Ledger, { file, json }: Options): Promise<void> {
  const rows = await from.dump()
  if (isStandard(file)) {
    if (json)
      throw new UserError('The ledger itself goes to standard output. Leave out --json, or give a file.')
    for (const line of ledgerLines(rows)) process.stdout.write(line)
    return
  }
  const target = await open(file, 'wx', 0o600).catch((cause) => {
    throw new UserError(
      `${file} cannot be written: ${cause.message}. Choose a file that does not exist yet.`,
      {
        cause,
      },
    )
  })
  try {
    await writeFile(target, ledgerLines(rows))
    await target.sync()
  } finally {
    await target.close()
  }
  if (json) printJson({ file, rows: rows.length })
  else
    printLines(
      `Wrote ${rows.length} rows to ${file}.`,
      'Only one of two copies may ever be run: stop the hub that ran on this ledger for good before you import it elsewhere.',
    )
}

async function importFrom(options: Options): Promise<void> {
  const { file, json } = options
  const text = await readFile(isStandard(file) ? '/dev/stdin' : file, 'utf8').catch((cause) => {
    throw new UserError(`${file} cannot be read: ${cause.message}.`, { cause })
  })
  const rows = rowsFrom(text)
  const into = await openLedger(options)
  try {
    await into.restore(rows)
    const problem = await into.problem()
    if (problem !== undefined)
      throw new UserError(`The imported ledger does not add up: ${problem}. Do not run a hub on it.`)
  } finally {
    await into.close()
  }
  if (json) printJson({ file, rows: rows.length })
  else printLines(`Imported ${rows.length} rows.`)
}

/** The parser of flags makes nothing of a lone dash. */
const isStandard = (file: string): boolean => file === '-' || file === ''

/** Leaves word for the hub, which does the work: it alone is asked by providers. */
async function rebuild(options: Asked): Promise<void> {
  // Also where an earlier rebuilding has left its note: it says nothing of what was forgotten since.
  await withLedger(options, (ledger) => ledger.writeNote('recovering', JSON.stringify('asked')))
  if (options.json) return printJson({ rebuild: 'at the next start' })
  printLines(
    'The hub rebuilds its ledger from its next start on: it adopts what the chain and its providers’ holdings show,',
    'and neither guarantees nor closes anything until every guarantee it may have forgotten has expired.',
  )
}
