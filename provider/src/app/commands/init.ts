import {
  type CommonOptions,
  chainFlags,
  jsonFlag,
  keyFlags,
  makeHome,
  printJson,
  printLines,
} from '@pontage/shared/node'
import { getAddress } from 'ethers'
import type { CommandModule } from 'yargs'
import { type ServeOptions, serveFlags } from './options.js'

const settings = { ...chainFlags, ...keyFlags, ...serveFlags }

/** Makes keystore and configuration. */
export const initCommand: CommandModule<
  CommonOptions,
  ServeOptions & { importKeyFile: string | undefined; json: boolean }
> = {
  command: 'init',
  describe: 'Make a key and a configuration; settings given here are written into it',
  builder: {
    ...settings,
    ...jsonFlag,
    'import-key-file': {
      type: 'string',
      requiresArg: true,
      describe: 'File with a private key to import instead of making one',
    },
  },
  async handler(options) {
    const { home, json, passwordFile, importKeyFile } = options
    const made = await makeHome({
      program: 'pontage-provider',
      home,
      passwordFile,
      importKeyFile,
      flags: settings,
      given: { ...options },
    })
    if (json) return printJson({ address: made.address, home })
    printLines(
      `Address   ${getAddress(made.address)}`,
      `Keystore  ${made.keystore}`,
      `Settings  ${made.config}`,
      '',
      'Back up the keystore and its password: without both, what this identity earns is lost.',
      'Send to the address: the chain’s coin for gas, and tokens for its stake (50 by default). Then:',
      '  pontage-provider register --stake 50',
      '  pontage-provider run',
    )
  },
}
