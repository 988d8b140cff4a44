import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  generateWireguardKeys,
  isWireguardKey,
  UserError,
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
  const path = join(home, 'wireguard.key')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new UserError(`${path} cannot be read: ${error.message}. Check its permissions.`, { cause: error })
  })
  if (text === undefined) {
    const keys = generateWireguardKeys()
    await writeFileDurably(path, `${keys.privateKey}\n`, 0o600)
    return keys
  }
  const privateKey = text.trim()
  if (!isWireguardKey(privateKey))
    throw new UserError(`${path} is not a WireGuard key. Restore it, or remove it to create a new one.`)
  return { privateKey, publicKey: wireguardPublicKey(privateKey) }
}
