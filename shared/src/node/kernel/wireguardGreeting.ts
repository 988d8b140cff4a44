import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  randomBytes,
} from 'node:crypto'
import { blake2s } from 'hash-wasm'
import { generateWireguardKeys, type WireguardKeyPair } from './wireguardKeys.js'

// The first message of WireGuard's handshake, as its paper gives it (section 5.4.2): a peer that knows the sender's key
// answers, and nobody else does.

const construction = 'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s'
const identifier = 'WireGuard v1 zx2c4 Jason@zx2c4.com'
/** Seconds between TAI, which WireGuard counts in, and Unix time as TAI64 labels begin. */
const tai64Base = 2n ** 62n + 10n
const pkcs8Head = Buffer.from('302e020100300506032b656e04220420', 'hex')
const spkiHead = Buffer.from('302a300506032b656e032100', 'hex')

/** A greeting to be sent by UDP, and how its answer is known. */
export interface WireguardGreeting {
  readonly message: Buffer
  /** Whether a datagram answers it: with the handshake's second message, or, from a peer under load, with a cookie. */
  isAnswer(datagram: Buffer): boolean
}

/**
 * Greets a WireGuard peer.
 *
 * @param keys - The sender's, whose public one the peer knows.
 * @param peer - The peer's public key, 32 bytes.
 * @param nowMs - Unix milliseconds: a peer answers only what is newer than the last greeting.
 */
export async function wireguardGreeting(
  keys: WireguardKeyPair,
  peer: Uint8Array,
  nowMs: number,
): Promise<WireguardGreeting> {
  const ephemeral = generateWireguardKeys()
  const sender = randomBytes(4)
  let chain = hash(Buffer.from(construction))
  let seen = hash(hash(chain, Buffer.from(identifier)), peer)
  const ephemeralKey = Buffer.from(ephemeral.publicKey, 'base64')
  ;[chain] = derive(chain, ephemeralKey)
  seen = hash(seen, ephemeralKey)
  let key: Buffer
  ;[chain, key] = derive(chain, shared(ephemeral.privateKey, peer))
  const sealedStatic = seal(key, Buffer.from(keys.publicKey, 'base64'), seen)
  seen = hash(seen, sealedStatic)
  ;[chain, key] = derive(chain, shared(keys.privateKey, peer))
  const sealedTime = seal(key, tai64n(nowMs), seen)
  const head = Buffer.concat([Buffer.from([1, 0, 0, 0]), sender, ephemeralKey, sealedStatic, sealedTime])
  const mac = await blake2s(head, 128, hash(Buffer.from('mac1----'), peer))
  const message = Buffer.concat([head, Buffer.from(mac, 'hex'), Buffer.alloc(16)])
  return {
    message,
    isAnswer: (datagram) =>
      (datagram.length === 92 && datagram[0] === 2 && datagram.subarray(8, 12).equals(sender)) ||
      (datagram.length === 64 && datagram[0] === 3 && datagram.subarray(4, 8).equals(sender)),
  }
}

const hash = (...parts: Uint8Array[]): Buffer => {
  const digest = createHash('blake2s256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}

const hmac = (key: Buffer, ...parts: Uint8Array[]): Buffer => {
  const digest = createHmac('blake2s256', key)
  for (const part of parts) digest.update(part)
  return digest.digest()
}

/** The next chaining key, and a key to seal with (HKDF). */
function derive(chain: Buffer, input: Uint8Array): [Buffer, Buffer] {
  const secret = hmac(chain, input)
  const first = hmac(secret, Buffer.from([1]))
  return [first, hmac(secret, first, Buffer.from([2]))]
}

function seal(key: Buffer, text: Buffer, beside: Buffer): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 })
  cipher.setAAD(beside, { plaintextLength: text.length })
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

const shared = (privateKey: string, publicKey: Uint8Array): Buffer =>
  diffieHellman({
    privateKey: createPrivateKey({
      key: Buffer.concat([pkcs8Head, Buffer.from(privateKey, 'base64')]),
      format: 'der',
      type: 'pkcs8',
    }),
    publicKey: createPublicKey({ key: Buffer.concat([spkiHead, publicKey]), format: 'der', type: 'spki' }),
  })

function tai64n(nowMs: number): Buffer {
  const label = Buffer.alloc(12)
  label.writeBigUInt64BE(tai64Base + BigInt(Math.floor(nowMs / 1_000)))
  label.writeUInt32BE((nowMs % 1_000) * 1_000_000, 8)
  return label
}
