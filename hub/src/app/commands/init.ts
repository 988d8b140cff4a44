import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import {
  type CommonOptions,
  createKeystore,
  readPassword,
  UserError,
  writeFileDurably,
} from '@pontage/shared/node'
import { getAddress } from 'ethers'
import type { CommandModule } from 'yargs'
import {
  type ChainOptions,
  chainFlags,
  jsonFlag,
  type KeyOptions,
  keyFlags,
  keystorePath,
} from './settings.js'

type Options = ChainOptions & KeyOptions & { importKeyFile: string | undefined; json: boolean }

/** Makes the home folder: encrypted key, configuration. */
export const init: CommandModule<CommonOptions, Options> = {
  command: 'init',
  describe: 'Make a key in an encrypted keystore, and a configuration file',
  builder: {
    ...chainFlags,
    ...keyFlags,
    ...jsonFlag,
    'import-key-file': {
      type: 'string',
      requiresArg: true,
      describe: 'File with a private key to import instead of making one',
    },
  },
  async handler(options) {
    const { home, json, importKeyFile } = options
    await makeFolder(home)
    const path = keystorePath(home)
    if (await exists(path))
      throw new UserError(`A keystore stands at ${path} already. Use it, or name another --home.`)
    const password = await newPassword(options.passwordFile)
    const key = importKeyFile === undefined ? undefined : await readKey(importKeyFile)
    const identity = await createKeystore(path, password, key)
    const config = join(home, 'config.yaml')
    if (!(await exists(config))) await writeFileDurably(config, configuration(options))
    if (json) {
      process.stdout.write(`${JSON.stringify({ address: identity.address, home })}\n`)
      return
    }
    process.stdout.write(
      [
        `Address   ${getAddress(identity.address)}`,
        `Keystore  ${path}`,
        `Settings  ${config}`,
        '',
        'Back up the keystore and its password: without both, stake and pool are lost.',
        'Send to the address: the chain’s coin for gas, and tokens for stake and pool.',
        'Then: pontage-hub register --stake 1000 --url ws://HOST:7700',
        '',
      ].join('\n'),
    )
  },
}

/** Makes a folder that only its owner may enter, and those above it that are missing. @throws UserError */
async function makeFolder(path: string): Promise<void> {
  const make = async (each: string): Promise<void> => {
    const failure = await mkdir(each, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => error)
    if (!(failure instanceof Error) || (failure.code === 'EEXIST' && each !== path)) return
    if (failure.code === 'EEXIST' && (await stat(each)).isDirectory()) return
    if (failure.code !== 'ENOENT' || dirname(each) === each) throw failure
    await make(dirname(each))
    await mkdir(each, { mode: 0o700 })
  }
  await make(resolve(path)).catch((cause) => {
    throw new UserError(`The folder ${path} cannot be made: ${cause.message}. Check --home.`, { cause })
  })
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

async function newPassword(file: string | undefined): Promise<string> {
  const password = await readPassword(file, 'New password for the keystore: ')
  if (password === '') throw new UserError('The password is empty. Choose one; it encrypts the key.')
  const typed = file === undefined && process.env.CREDENTIALS_DIRECTORY === undefined
  if (typed && (await readPassword(undefined, 'The same once more: ')) !== password)
    throw new UserError('The two passwords differ. Run init again.')
  return password
}

const readKey = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause) => {
    throw new UserError(`No key can be read from ${file}. Check --import-key-file.`, { cause })
  })

/** The settings given now are kept; the rest is shown with its default. */
function configuration({ rpc, deployment, confirmations, passwordFile }: Options): string {
  const line = (name: string, value: string | number | undefined, example: string) =>
    value === undefined ? `# ${name}: ${example}` : `${name}: ${JSON.stringify(value)}`
  return [
    '# Settings of pontage-hub. A flag or an environment variable (PONTAGE_HUB_…) goes before a line here.',
    '',
    '# The chain, and the blocks that must follow one before it is relied upon.',
    line('rpc', rpc, ''),
    line('confirmations', confirmations, ''),
    '# Addresses of the contracts, when not those committed for the chain.',
    line('deployment', deployment, '/etc/pontage/deployment.json'),
    '# Where the keystore’s password is read from.',
    line('password-file', passwordFile, '/etc/pontage/hub-password'),
    '',
  ].join('\n')
}
