import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'

/** A WireGuard key as its tools write it: 32 bytes in base64, 44 characters. */
export type WireguardKey = string

/** One end of a tunnel. The private key is a secret: never on a command line, never in a log. */
export interface WireguardKeyPair {
  readonly privateKey: WireguardKey
  readonly publicKey: WireguardKey
}

/** What precedes the 32 raw bytes in the PKCS#8 encoding of an X25519 private key (RFC 8410 §7). */
const pkcs8Head = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** Makes a new key pair. */
export function generateWireguardKeys(): WireguardKeyPair {
  // The JWK export hangs now and then in Node 20: the DER encodings end with the raw 32 bytes.
  const { privateKey } = generateKeyPairSync('x25519', {
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
    publicKeyEncoding: { format: 'der', type: 'spki' },
  })
  const raw = clamp(privateKey.subarray(-32))
  const key = raw.toString('base64')
  return { privateKey: key, publicKey: wireguardPublicKey(key) }
}

/** Makes a pre-shared key, the second secret both ends may add. */
export function generatePresharedKey(): WireguardKey {
  return randomBytes(32).toString('base64')
}

/**
 * The public key that belongs to a private key.
 * @throws TypeError when the text is not a WireGuard key; the message does not repeat it.
 */
export function wireguardPublicKey(privateKey: WireguardKey): WireguardKey {
  const der = Buffer.concat([pkcs8Head, rawKey(privateKey)])
  const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
}

/** Whether a text is a WireGuard key: canonical base64 of 32 bytes. */
export function isWireguardKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text) && Buffer.from(text, 'base64').toString('base64') === text
}

/** The key as signed documents carry it: `0x` and 64 hex digits. */
export function wireguardKeyToHex(key: WireguardKey): `0x${string}` {
  return `0x${rawKey(key).toString('hex')}`
}

/**
 * The key as WireGuard's tools write it, from 32 bytes in hex.
 * @throws TypeError when the text is not `0x` and 64 hex digits.
 */
export function wireguardKeyFromHex(hex: string): WireguardKey {
  if (!/^0x[0-9a-fA-F]{64}$/.test(hex))
    throw new TypeError('A WireGuard key in hex is 0x and 64 hex digits; this is something else.')
  return Buffer.from(hex.slice(2), 'hex').toString('base64')
}

function rawKey(key: WireguardKey): Buffer {
  if (!isWireguardKey(key))
    throw new TypeError(
      'A WireGuard key is 32 bytes in base64 (44 characters, ending in =); this is something else.',
    )
  return Buffer.from(key, 'base64')
}

/** Sets the bits that Curve25519 fixes, as `wg genkey` does, so that both write the same key. */
function clamp(raw: Buffer): Buffer {
  const key = Buffer.from(raw)
  key.writeUInt8(key.readUInt8(0) & 248, 0)
  key.writeUInt8((key.readUInt8(31) & 127) | 64, 31)
  return key
}
