import { getAddress } from 'ethers'
import type { CommandModule, Options } from 'yargs'
import { makeHome } from './homeFolder.js'
import { printJson, printLines } from './print.js'
import type { CommonOptions } from './program.js'
import { jsonFlag, type KeyOptions } from './settings.js'

type InitOptions = KeyOptions & { importKeyFile: string | undefined; json: boolean }

/**
 * The command that makes a home: an encrypted key, new or imported, and a configuration.
 *
 * @param options.flags - The program's settings; those given with init are written into the configuration.
 * @param options.next - What its user is told to do next, a line each.
 */
export const initCommand = (options: {
  program: string
  flags: Readonly<Record<string, Options>>
  next: readonly string[]
}): CommandModule<CommonOptions, never> => {
  const module: CommandModule<CommonOptions, InitOptions> = {
    command: 'init',
    describe: 'Make a key and a configuration; settings given here are written into it',
    builder: {
      ...options.flags,
      ...jsonFlag,
      'import-key-file': {
        type: 'string',
        requiresArg: true,
        describe: 'File with a private key (hexadecimal) to import instead of making one',
      },
    },
    async handler(given) {
      const { home, json, passwordFile, importKeyFile } = given
      const { program, flags, next } = options
      const made = await makeHome({ program, home, passwordFile, importKeyFile, flags, given: { ...given } })
      if (json) return printJson({ address: made.address, home })
      printLines(
        `Address   ${getAddress(made.address)}`,
        `Keystore  ${made.keystore}`,
        `Settings  ${made.config}`,
        '',
        ...next,
      )
    },
  }
  // runProgram takes commands whatever their options are.
  return module as never
}
