import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Address } from '@pontage/shared'
import { createKeystore, readPassword, UserError, writeFileDurably } from '@pontage/shared/node'
import { type ChainSettings, type KeySettings, keystorePath } from './context.js'

/** What init made. */
export interface Initialised {
  readonly address: Address
  readonly home: string
  readonly keystore: string
  readonly config: string
}

/**
 * Makes a home: an encrypted key, new or imported, and a configuration file.
 *
 * @throws UserError when a keystore stands there already, or the key to import cannot be read.
 */
export async function init(
  settings: ChainSettings & KeySettings,
  importKeyFile: string | undefined,
): Promise<Initialised> {
  const { home } = settings
  const keystore = keystorePath(home)
  if (await stat(keystore).catch(() => undefined))
    throw new UserError(`A keystore stands at ${keystore} already. Use it, or name another --home.`)
  const privateKey = importKeyFile === undefined ? undefined : await readKey(importKeyFile)
  const password = await readPassword(settings.passwordFile, 'New password for the keystore: ')
  if (password === '') throw new UserError('An empty password protects nothing. Choose another.')
  if (settings.passwordFile === undefined && process.stdin.isTTY) {
    const again = await readPassword(undefined, 'The same again: ')
    if (again !== password) throw new UserError('The two passwords differ. Nothing was made; run init again.')
  }
  await mkdir(home, { recursive: true, mode: 0o700 })
  const identity = await createKeystore(keystore, password, privateKey)
  const config = join(home, 'config.yaml')
  if (!(await stat(config).catch(() => undefined))) await writeFileDurably(config, configText(settings))
  return { address: identity.address, home, keystore, config }
}

async function readKey(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause) => {
    throw new UserError(`No key can be read from ${path}. Check --import-key-file.`, { cause })
  })
}

function configText({ rpc, deployment, confirmations, passwordFile }: ChainSettings & KeySettings): string {
  const text = (value: string) => JSON.stringify(value)
  return `# Settings of pontage. A flag or an environment variable (PONTAGE_CONSUMER_RPC …) goes before what stands here.

# JSON-RPC address of the chain.
rpc: ${text(rpc)}

# File that names the contracts. Left out: the known deployment of the chain.
${deployment === undefined ? '# deployment: /path/to/deployment.json' : `deployment: ${text(deployment)}`}

# Blocks that must follow one before what it says counts.
confirmations: ${confirmations}

# File with the keystore's password, readable by its owner only. Left out: asked for at the terminal.
${passwordFile === undefined ? '# password-file: /path/to/password' : `password-file: ${text(passwordFile)}`}
`
}
