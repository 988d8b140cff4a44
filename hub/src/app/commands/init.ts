import {
  type ChainOptions,
  type CommonOptions,
  chainFlags,
  jsonFlag,
  type KeyOptions,
  keyFlags,
  makeHome,
  printJson,
  printLines,
} from '@pontage/shared/node'
import { getAddress } from 'ethers'
import type { CommandModule } from 'yargs'
import { serveFlags } from './run.js'

type Options = ChainOptions & KeyOptions & { importKeyFile: string | undefined; json: boolean }

const settings = { ...chainFlags, ...keyFlags, ...serveFlags }

/** Makes the home folder: encrypted key, configuration. */
export const init: CommandModule<CommonOptions, Options> = {
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
      program: 'pontage-hub',
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
      'Back up the keystore and its password: without both, stake and pool are lost.',
      'Send to the address: the chain’s coin for gas, and tokens for stake and pool.',
      'Then: pontage-hub register --stake 1000 --url ws://HOST:7700',
    )
  },
}
