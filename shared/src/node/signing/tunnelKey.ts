import { createHash, hkdfSync } from 'node:crypto'
import type { Hex } from '../../units.js'
import {
  generatePresharedKey,
  type WireguardKey,
  wireguardKeyFromHex,
  wireguardKeyToHex,
} from '../kernel/wireguardKeys.js'
import { lastingKem, loadMlKem, type MlKem } from './mlKem.js'

/**
 * The pre-shared key of a tunnel. WireGuard's own key agreement falls to a quantum computer, and so may that of the TLS
 * connection on which a session is opened: whoever records both today could read them one day. So the key is made of
 * a random half, which travels on that connection, and of a secret that only ML-KEM-768 (FIPS 203) brought across.
 */

/** What a provider sends of it. */
export interface SentTunnelKey {
  /** 32 random bytes. */
  readonly presharedKey: Hex
  /** 1,088 bytes, of which the holder of the decapsulation key gets the secret; left out where none was asked for. */
  readonly ciphertext?: Hex | undefined
}

/** The consumer's half: asked with, and then used once. */
export interface KemKeys {
  /** 1,184 bytes, in hexadecimal digits. */
  readonly encapsulationKey: Hex
  /**
   * The tunnel's pre-shared key. A ciphertext that somebody changed gives another key than the provider's, so that no
   * handshake succeeds; without one, the random half is the key.
   */
  keyOf(sent: SentTunnelKey): Hex
}

/**
 * Makes the keys of one session.
 *
 * @param seed - 64 bytes of which the same keys are made each time; left out: new ones.
 */
export async function createKemKeys(kem?: MlKem, seed?: Uint8Array): Promise<KemKeys> {
  const of = seed === undefined ? (kem ?? (await loadMlKem())) : await lastingKem({ keys: seed })
  const keys = of.createKeys()
  const encapsulationKey = toHex(keys.encapsulationKey)
  return {
    encapsulationKey,
    keyOf(sent) {
      if (sent.ciphertext === undefined) return sent.presharedKey
      const secret = keys.decapsulate(fromHex(sent.ciphertext))
      return combine(secret, { encapsulationKey, ...sent, ciphertext: sent.ciphertext })
    },
  }
}

/**
 * Makes the pre-shared key of a session.
 *
 * @param encapsulationKey - The consumer's; undefined where it knows of none.
 * @param seed - 64 secret bytes of which the same key is made each time; left out: a new one.
 * @returns What the kernel gets, and what is sent; undefined when the encapsulation key is none.
 */
export async function createTunnelKey(
  encapsulationKey: Hex | undefined,
  kem?: MlKem,
  seed?: Uint8Array,
): Promise<{ key: WireguardKey; sent: SentTunnelKey } | undefined> {
  const half = seed ? Buffer.from(seed.subarray(0, 32)).toString('base64') : generatePresharedKey()
  const presharedKey = wireguardKeyToHex(half)
  if (encapsulationKey === undefined) return { key: half, sent: { presharedKey } }
  const by = seed ? await lastingKem({ message: seed.subarray(32, 64) }) : (kem ?? (await loadMlKem()))
  const encapsulated = encapsulate(by, encapsulationKey)
  if (encapsulated === undefined) return undefined
  const ciphertext = toHex(encapsulated.ciphertext)
  const sent = { presharedKey, ciphertext }
  const key = combine(encapsulated.secret, { encapsulationKey, ...sent })
  return { key: wireguardKeyFromHex(key), sent }
}

/** FIPS 203 has each encapsulation key checked before it is used: numbers outside the field are refused. */
function encapsulate(kem: MlKem, encapsulationKey: Hex): ReturnType<MlKem['encapsulate']> | undefined {
  try {
    return kem.encapsulate(fromHex(encapsulationKey))
  } catch {
    return undefined
  }
}

/** HKDF with SHA-256 over both halves, bound to what was exchanged for them. */
function combine(
  secret: Uint8Array,
  exchanged: { encapsulationKey: Hex; presharedKey: Hex; ciphertext: Hex },
): Hex {
  const seen = createHash('sha256')
    .update(fromHex(exchanged.encapsulationKey))
    .update(fromHex(exchanged.ciphertext))
    .digest()
  const halves = Buffer.concat([secret, fromHex(exchanged.presharedKey)])
  return toHex(new Uint8Array(hkdfSync('sha256', halves, seen, 'Pontage tunnel key', 32)))
}

const toHex = (bytes: Uint8Array): Hex => `0x${Buffer.from(bytes).toString('hex')}`
const fromHex = (text: Hex): Uint8Array => new Uint8Array(Buffer.from(text.slice(2), 'hex'))
