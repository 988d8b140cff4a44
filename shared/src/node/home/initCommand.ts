import { getAddress } from 'ethers'
import type { CommandModule } from 'yargs'
import type { CommonOptions } from '../program/program.js'
import type { Flag } from '../program/settingKinds.js'
import { printJson, printLines } from '../report/print.js'
import { backUp } from './backup.js'
import { makeHome } from './homeFolder.js'
import { type KeyOrigin, keyOriginFlags } from './keyOriginFlags.js'
import type { KeyOptions } from './settings.js'

type InitOptions = KeyOptions & KeyOrigin & { backup: boolean; json: boolean }

/**
 * The command that makes a home: an encrypted key, new or imported, and a configuration.
 *
 * @param options.flags - The program's settings; those given with init are written into the configuration.
 * @param options.next - What its user is told to do next, a line each.
 */
export const initCommand = (options: {
  program: string
  flags: Readonly<Record<string, Flag>>
  next: readonly string[]
}): CommandModule<CommonOptions, never> => {
  const module: CommandModule<CommonOptions, InitOptions> = {
    command: 'init',
    describe: 'Create a key and a configuration file; settings given here are written to that file',
    builder: {
      ...options.flags,
      ...keyOriginFlags,
      backup: {
        type: 'boolean',
        default: true,
        describe: 'Show the words of the new key on the terminal, and ask for some of them',
      },
    },
    async handler(given) {
      const { home, json, passwordFile, importKeyFile, importMnemonicFile } = given
      const { program, flags, next } = options
      let isBackedUp = importKeyFile !== undefined || importMnemonicFile !== undefined
      const made = await makeHome({
        ...{ program, home, passwordFile, importKeyFile, importMnemonicFile, flags, given: { ...given } },
        backUp: async (words) => {
          isBackedUp = await backUp(words, { ...given, isTerminal: process.stdin.isTTY === true && !json })
        },
      })
      if (json) return printJson({ address: made.address, home, backedUp: isBackedUp })
      printLines(
        `Address   ${getAddress(made.address)}`,
        `Keystore  ${made.keystore}`,
        `Settings  ${made.config}`,
        '',
        ...(isBackedUp
          ? []
          : ['The backup words were not shown: the keystore and its password are the only copy of the key.']),
        ...next,
      )
    },
  }
  // runProgram takes commands whatever their options are.
  return module as never
}
