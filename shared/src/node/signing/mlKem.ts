import * as crypto from 'node:crypto'
import type * as library from '@noble/post-quantum/ml-kem.js'

/**
 * ML-KEM-768 (FIPS 203): whoever has the encapsulation key (1,184 bytes) makes a ciphertext (1,088 bytes) and a secret
 * (32 bytes), which the holder of the decapsulation key gets from the ciphertext.
 */
export interface MlKem {
  createKeys(): {
    readonly encapsulationKey: Uint8Array
    /** A ciphertext that was not made for this key gives another secret. @throws when it has another length */
    decapsulate(ciphertext: Uint8Array): Uint8Array
  }
  /** @throws when the key is none: FIPS 203 (7.2) has it checked */
  encapsulate(encapsulationKey: Uint8Array): { ciphertext: Uint8Array; secret: Uint8Array }
}

/** What Node has from 24.7 on, where its OpenSSL is 3.5 or newer. */
interface NativeKem {
  generateKeyPairSync(type: 'ml-kem-768'): { publicKey: crypto.KeyObject; privateKey: crypto.KeyObject }
  encapsulate(key: crypto.KeyObject): { ciphertext: Buffer; sharedKey: Buffer }
  decapsulate(key: crypto.KeyObject, ciphertext: Uint8Array): Buffer
}

/** Node's own, which takes a tenth of a millisecond; or else the library, which Node first has to load and compile. */
export async function loadMlKem(): Promise<MlKem> {
  return nativeKem() ?? libraryKem(await import('@noble/post-quantum/ml-kem.js'))
}

/** SubjectPublicKeyInfo of RFC 9935 up to the key itself. */
const spkiHead = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex')

/** Undefined where Node, or the OpenSSL that it was built with, knows nothing of it. */
export function nativeKem(): MlKem | undefined {
  const native = crypto as unknown as NativeKem
  try {
    native.generateKeyPairSync('ml-kem-768')
  } catch {
    return undefined
  }
  return 'encapsulate' in crypto ? kemOf(native) : undefined
}

const kemOf = (native: NativeKem): MlKem => ({
  createKeys() {
    const { publicKey, privateKey } = native.generateKeyPairSync('ml-kem-768')
    return {
      encapsulationKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(spkiHead.length),
      decapsulate: (ciphertext) => native.decapsulate(privateKey, ciphertext),
    }
  },
  encapsulate(encapsulationKey) {
    const key = Buffer.concat([spkiHead, encapsulationKey])
    const { ciphertext, sharedKey } = native.encapsulate(
      crypto.createPublicKey({ key, format: 'der', type: 'spki' }),
    )
    return { ciphertext, secret: sharedKey }
  },
})

/** What chance would give, where the same is to come out each time: 64 bytes for keys, 32 for a secret. */
interface Lasting {
  readonly keys?: Uint8Array
  readonly message?: Uint8Array
}

/** The library with the chance taken out: Node's own has no way in for it. */
export const lastingKem = async (lasting: Lasting): Promise<MlKem> =>
  libraryKem(await import('@noble/post-quantum/ml-kem.js'), lasting)

export const libraryKem = ({ ml_kem768 }: typeof library, { keys: seed, message }: Lasting = {}): MlKem => ({
  createKeys() {
    const { publicKey, secretKey } = ml_kem768.keygen(seed)
    return {
      encapsulationKey: publicKey,
      decapsulate: (ciphertext) => ml_kem768.decapsulate(ciphertext, secretKey),
    }
  },
  encapsulate(encapsulationKey) {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(encapsulationKey, message)
    return { ciphertext: cipherText, secret: sharedSecret }
  },
})
