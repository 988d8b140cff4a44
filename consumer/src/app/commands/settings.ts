import type { CommonOptions, Log } from '@pontage/shared/node'
import { CommandFailed, createLog, UserError } from '@pontage/shared/node'
import type { Argv, CommandModule } from 'yargs'
import { wrapped } from '../../core/screen.js'
import type { ChainSettings, KeySettings } from '../context.js'

/** Settings that init writes to the configuration file: every command knows them, few need them all. */
export interface Settings extends CommonOptions {
  rpc: string
  deployment?: string | undefined
  confirmations: number
  passwordFile?: string | undefined
}

/** Adds them to a command. */
export const withSettings = <Options extends CommonOptions>(yargs: Argv<Options>): Argv<Options & Settings> =>
  yargs
    .option('rpc', {
      type: 'string',
      default: 'http://127.0.0.1:8545',
      describe: 'JSON-RPC address of the chain',
    })
    .option('deployment', {
      type: 'string',
      describe: 'File that names the contracts; default: by the chain’s id',
    })
    .option('confirmations', {
      type: 'number',
      default: 1,
      describe: 'Blocks that must follow one before it counts',
    })
    .option('password-file', { type: 'string', describe: 'File with the keystore’s password' }) as never

/** What of the settings opens chain and key. */
export const settingsFrom = (argv: Settings): ChainSettings & KeySettings => ({
  home: argv.home,
  rpc: argv.rpc,
  deployment: argv.deployment,
  confirmations: argv.confirmations,
  passwordFile: argv.passwordFile,
})

export const logFrom = (argv: Settings): Log => createLog('pontage', argv.logLevel)

/** One JSON object and a line end, on standard output. */
export const printJson = (value: object): void => {
  process.stdout.write(
    `${JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? each.toString() : each))}\n`,
  )
}

/** A sentence for a person; on a terminal broken between words. */
export const printLine = (text: string): void => {
  const { isTTY, columns } = process.stdout
  process.stdout.write(`${isTTY ? wrapped(text, columns) : text}\n`)
}

/**
 * A command whose options are as its handler reads them; yargs tells of them by their dashed names.
 * What a system command refused is a sentence for the user, not a stack.
 */
export const command = <Options extends CommonOptions>(module: {
  command: string
  describe: string
  builder: (yargs: Argv<CommonOptions>) => unknown
  handler: (argv: Options) => void | Promise<void>
}): CommandModule<CommonOptions, never> =>
  ({
    ...module,
    async handler(argv: Options) {
      try {
        await module.handler(argv)
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error
        const said = error.message.replaceAll(/\s*\n\s*/g, '; ')
        throw new UserError(`${said}. Check the rights of this process and what is installed.`, {
          cause: error,
        })
      }
    },
  }) as never
