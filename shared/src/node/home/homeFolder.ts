import { mkdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Address, address } from '../../units.js'
import { isNetworkFile, readNetwork, settingsOfNetwork } from '../program/network.js'
import type { Flag } from '../program/settingKinds.js'
import { UserError } from '../program/userError.js'
import { writeFileDurably } from './durableFile.js'
import type { KeyOrigin } from './keyOriginFlags.js'
import { createKeystore, keyFromMnemonic, newMnemonic, readKeystore } from './keystore.js'
import { readPassword } from './password.js'

export const keystorePath = (home: string): string => join(home, 'keystore.json')
const configPath = (home: string): string => join(home, 'config.yaml')

/** What init made. */
export interface MadeHome {
  readonly address: Address
  readonly keystore: string
  readonly config: string
}

export interface HomeOptions extends Omit<KeyOrigin, 'backupFile'> {
  readonly program: string
  readonly home: string
  readonly passwordFile: string | undefined
  readonly backUp: (words: string) => Promise<void>
  readonly flags: Readonly<Record<string, Flag>>
  readonly given: Readonly<Record<string, unknown>>
}

/**
 * Makes a home: a key, new or imported, in an encrypted keystore, and a commented configuration.
 *
 * @param options.backUp - Given the words from which a new key follows; the home is made once it resolves.
 * @param options.flags - The settings the configuration lists, each with its meaning.
 * @param options.given - Their values as given now; those that are no default are written down.
 * @throws UserError when a keystore stands there already, or the key to import cannot be read.
 */
export async function makeHome(options: HomeOptions): Promise<MadeHome> {
  const { program, home, passwordFile, flags, given } = options
  const keystore = keystorePath(home)
  if (await exists(keystore))
    throw new UserError(`There is already a keystore at ${keystore}. Use it, or choose another --home.`)
  const privateKey = await keyFor(options)
  await makeFolder(home)
  const password = await newPassword(passwordFile)
  const config = configPath(home)
  if (!(await exists(config))) await writeFileDurably(config, configText(program, flags, given))
  const identity = await createKeystore(keystore, password, privateKey)
  return { address: identity.address, keystore, config }
}

/** The address a keystore names in clear, for what needs no password. @throws UserError without a keystore */
export async function keystoreAddress(home: string): Promise<Address> {
  const path = keystorePath(home)
  const text = await readKeystore(path)
  try {
    const { address: bare } = JSON.parse(text) as { address: string }
    return address(`0x${bare.replace(/^0x/i, '')}`)
  } catch (cause) {
    throw new UserError(`${path} is not a version 3 keystore. Restore it from your backup.`, { cause })
  }
}

/** Makes a folder that only its owner may enter, and those above it that are missing. @throws UserError */
async function makeFolder(path: string): Promise<void> {
  // Not `recursive: true`: below /proc Node then tries for ever.
  const make = async (each: string): Promise<void> => {
    const failure = await mkdir(each, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => error)
    if (!(failure instanceof Error) || (failure.code === 'EEXIST' && each !== path)) return
    if (failure.code === 'EEXIST' && (await stat(each)).isDirectory()) return
    if (failure.code !== 'ENOENT' || dirname(each) === each) throw failure
    await make(dirname(each))
    await mkdir(each, { mode: 0o700 })
  }
  await make(resolve(path)).catch((cause) => {
    throw new UserError(`The folder ${path} cannot be created: ${cause.message}. Check --home.`, { cause })
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
  if (typed && (await readPassword(undefined, 'Repeat it: ')) !== password)
    throw new UserError('The two passwords differ. Nothing was created; run init again.')
  return password
}

/** The key to import, or a new one, once its words are safe. */
async function keyFor(
  options: Pick<HomeOptions, 'importKeyFile' | 'importMnemonicFile' | 'backUp'>,
): Promise<string> {
  const { importKeyFile, importMnemonicFile, backUp } = options
  if (importKeyFile !== undefined) return readSecret(importKeyFile, '--import-key-file')
  if (importMnemonicFile !== undefined)
    return keyFromMnemonic(await readSecret(importMnemonicFile, '--import-mnemonic-file'))
  const words = newMnemonic()
  await backUp(words)
  return keyFromMnemonic(words)
}

const readSecret = (file: string, flag: string): Promise<string> =>
  readFile(file, 'utf8').catch((cause) => {
    throw new UserError(`${file} cannot be read. Check ${flag}.`, { cause })
  })

/** A network may be given by its name, too. */
const wholePath = (setting: string, text: string): string =>
  setting === 'network' && !isNetworkFile(text) ? text : resolve(text)

/** Every setting with its meaning: those given as they are, the others as comments with what holds without them. */
function configText(
  program: string,
  flags: Readonly<Record<string, Flag>>,
  given: Readonly<Record<string, unknown>>,
): string {
  const { network } = given
  const ofNetwork = typeof network === 'string' ? settingsOfNetwork(readNetwork(network)) : {}
  const lines = Object.entries(flags).flatMap(([name, { describe, default: usual, isPath }]) => {
    const standard = ofNetwork[name] ?? usual
    const value = isPath && typeof given[name] === 'string' ? wholePath(name, given[name]) : given[name]
    const isSet = value !== undefined && JSON.stringify(value) !== JSON.stringify(standard)
    const shown = isSet ? value : standard
    const setting = `${name}:${shown === undefined ? '' : ` ${JSON.stringify(shown)}`}`
    return ['', `# ${describe}`, isSet ? setting : `# ${setting}`]
  })
  return [
    `# Settings of ${program}. A flag or an environment variable goes before what stands here.`,
    ...lines,
    '',
  ].join('\n')
}
