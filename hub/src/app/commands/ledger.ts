import { existsSync } from 'node:fs'
import { formatBytes } from '@pontage/shared'
import { type CommonOptions, jsonFlag, printJson, printLines, UserError } from '@pontage/shared/node'
import type { CommandModule } from 'yargs'
import { backUp } from '../../io/sqlite/backup.js'
import { ledgerPath } from './books.js'

type Options = CommonOptions & { action: string; file: string; json: boolean }

/** Copies the ledger, whether a hub runs on it or not. */
export const ledger: CommandModule<CommonOptions, Options> = {
  command: 'ledger <action> <file>',
  describe: '"ledger backup FILE" copies the ledger, also while the hub runs',
  builder: {
    ...jsonFlag,
    action: { choices: ['backup'], describe: 'What to do' },
    file: { type: 'string', describe: 'File to write, which must not exist yet' },
  },
  async handler({ home, file, json }) {
    const path = ledgerPath(home)
    if (!existsSync(path))
      throw new UserError(`There is no ledger at ${path} yet. Run pontage-hub run first, or name its --home.`)
    const made = await backUp(path, String(file))
    if (json) printJson(made)
    else
      printLines(
        `Copied the ledger to ${made.file}: ${formatBytes(BigInt(made.bytes))}, up to block ${made.block}.`,
        'Keep it on another machine. It holds promises and signatures, but no key: back up the keystore too.',
      )
  },
}
