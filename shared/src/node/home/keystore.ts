import { scrypt as nativeScrypt, randomBytes } from 'node:crypto'
import { chmod, readFile, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { decryptKeystoreJson, encryptKeystoreJson, HDNodeWallet, Mnemonic, scrypt, Wallet } from 'ethers'
import type { Hex } from '../../units.js'
import { UserError } from '../program/userError.js'
import { createIdentity, type Identity, PrivateKey } from '../signing/identity.js'
import { writeFileDurably } from './durableFile.js'

const deriveKey = promisify<Uint8Array, Uint8Array, number, object, Uint8Array>(nativeScrypt)

// Node's own takes half the time of the library's, and none of the main thread's.
scrypt.register((password, salt, N, r, p, length) =>
  deriveKey(password, salt, length, { N, r, p, maxmem: 256 * N * r }),
)

/**
 * Makes an encrypted keystore (version 3, scrypt) at `path`, readable by its owner only.
 *
 * @param privateKey - Hexadecimal key to import; a new one is made when it is left out.
 * @throws UserError when a keystore stands there already: it is never overwritten.
 */
export async function createKeystore(path: string, password: string, privateKey?: string): Promise<Identity> {
  if (await stat(path).catch(() => undefined))
    throw new UserError(`There is already a keystore at ${path}. Use it, or choose another --home.`)
  const wallet = privateKey === undefined ? Wallet.createRandom() : walletFrom(privateKey)
  const json = await encryptKeystoreJson({ address: wallet.address, privateKey: wallet.privateKey }, password)
  await writeFileDurably(path, `${json}\n`, 0o600)
  return createIdentity(new PrivateKey(wallet.privateKey))
}

/** @throws UserError for a missing file, a file that is no keystore, or a wrong password. */
export async function openKeystore(path: string, password: string): Promise<Identity> {
  const json = await readKeystore(path)
  await closeToOthers(path)
  try {
    const account = await decryptKeystoreJson(json, password)
    return createIdentity(new PrivateKey(account.privateKey))
  } catch (cause) {
    const wrong = cause instanceof Error && /password/i.test(cause.message)
    throw new UserError(
      wrong
        ? `The password does not open the keystore ${path}. Give the one chosen at init.`
        : `${path} is not a version 3 keystore. Restore it from your backup.`,
      { cause, ...(wrong ? { code: 'wrong-password' } : {}) },
    )
  }
}

/** The text of a keystore. @throws UserError where there is none, or it is not this user's */
export const readKeystore = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EACCES'
      ? new UserError(
          `You may not read the keystore ${path}. Run this as its owner, or give another --home.`,
          {
            cause,
          },
        )
      : new UserError(
          `There is no readable keystore at ${path}. Run setup or init first, or give its --home.`,
          {
            ...{ cause, code: 'no-keystore' },
          },
        )
  })

/** @throws UserError when others can read it, and that cannot be changed. */
async function closeToOthers(path: string): Promise<void> {
  if (((await stat(path)).mode & 0o077) === 0) return
  await chmod(path, 0o600).catch((cause) => {
    throw new UserError(
      `Other users can read the keystore ${path}, and this could not be changed. Run as its owner: chmod 600 ${path}`,
      { cause },
    )
  })
}

/** Twelve new words from which a key follows, for a backup on paper. */
export const newMnemonic = (): string => Mnemonic.fromEntropy(randomBytes(16)).phrase

/**
 * The private key that follows from words of BIP-39, at the first path that wallets use (m/44'/60'/0'/0/0).
 *
 * @throws UserError when they are no such words.
 */
export function keyFromMnemonic(words: string): Hex {
  const phrase = words.trim().toLowerCase().split(/\s+/).join(' ')
  if (!Mnemonic.isValidMnemonic(phrase))
    throw new UserError(
      'The words to import are not a mnemonic: expected 12 to 24 words from the English list, in order.',
    )
  return HDNodeWallet.fromPhrase(phrase).privateKey as Hex
}

function walletFrom(privateKey: string): Wallet {
  try {
    return new Wallet(privateKey.trim())
  } catch {
    throw new UserError('The key to import is not a private key: expected 32 bytes in hexadecimal.')
  }
}
