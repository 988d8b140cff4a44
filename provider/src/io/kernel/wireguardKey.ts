import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  generatePresharedKey,
  generateWireguardKeys,
  isWireguardKey,
  UserError,
  type WireguardKey,
  type WireguardKeyPair,
  wireguardPublicKey,
  writeFileDurably,
} from '@pontage/shared/node'

/**
 * The key pair of this home's tunnels, made at the first call; its public half stands in the offer.
 *
 * @throws UserError when the file is no key.
 */
export async function ownWireguardKeys(home: string): Promise<WireguardKeyPair> {
  const privateKey = await ownKey(home, 'wireguard.key', () => generateWireguardKeys().privateKey)
  return { privateKey, publicKey: wireguardPublicKey(privateKey) }
}

/**
 * 32 bytes from which keys of lent tunnels follow, made at the first call. Not the tunnels' own key: that one falls to a
 * quantum computer, by its public half.
 *
 * @throws UserError when the file is no key.
 */
export const ownLendingSecret = async (home: string): Promise<Uint8Array> =>
  Buffer.from(await ownKey(home, 'lending.key', generatePresharedKey), 'base64')

async function ownKey(home: string, name: string, make: () => WireguardKey): Promise<WireguardKey> {
  const path = join(home, name)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new UserError(`${path} cannot be read: ${error.message}. Check its permissions.`, { cause: error })
  })
  if (text === undefined) {
    const key = make()
    await writeFileDurably(path, `${key}\n`, 0o600)
    return key
  }
  const key = text.trim()
  if (!isWireguardKey(key))
    throw new UserError(`${path} is not a WireGuard key. Restore it, or remove it to create a new one.`)
  return key
}
