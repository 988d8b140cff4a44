import { type Address, address, type Hex } from '../../units.js'
import { keccak256 } from './keccak.js'
import { secp256k1 } from './nativeSecp256k1.js'

/** A private key that cannot be printed: logs and JSON show a placeholder. */
export class PrivateKey {
  readonly #bytes: Buffer

  /** @throws RangeError unless `hex` is a valid secp256k1 key. */
  constructor(hex: string) {
    this.#bytes = Buffer.from(hex.replace(/^0x/, ''), 'hex')
    if (this.#bytes.length !== 32 || !secp256k1().privateKeyVerify(this.#bytes))
      throw new RangeError(
        'That is not a private key: expected 32 bytes in hexadecimal, below the order of the curve.',
      )
  }

  /** The 32 bytes, for signing. */
  bytes(): Buffer {
    return this.#bytes
  }

  /** For libraries that want text. */
  hex(): Hex {
    return `0x${this.#bytes.toString('hex')}`
  }

  toString(): string {
    return '[private key]'
  }

  toJSON(): string {
    return '[private key]'
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[private key]'
  }
}

/** A key and the address it signs for. */
export interface Identity {
  readonly address: Address
  readonly privateKey: PrivateKey
}

export function createIdentity(privateKey: PrivateKey): Identity {
  return { address: addressOf(secp256k1().publicKeyCreate(privateKey.bytes(), false)), privateKey }
}

/** Address of an uncompressed public key (65 bytes, leading 4). */
export const addressOf = (publicKey: Uint8Array): Address =>
  address(`0x${keccak256(publicKey.subarray(1)).toString('hex', 12)}`)
