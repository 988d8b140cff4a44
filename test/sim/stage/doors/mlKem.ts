import { createHash } from 'node:crypto'
import { timeline } from '../timeline.js'

/** Lengths of ML-KEM-768, so that what is sent is as long as it is: a toy that hides nothing, and is the same on every Node. */
const keyBytes = 1_184
const ciphertextBytes = 1_088

const pad = (key: Uint8Array): Buffer => createHash('sha256').update(key).digest()
const mixed = (one: Uint8Array, other: Uint8Array): Buffer =>
  Buffer.from(one.subarray(0, 32).map((byte, at) => byte ^ (other[at] ?? 0)))

const toy = {
  createKeys() {
    const encapsulationKey = timeline().process.chance.bytes(keyBytes)
    return {
      encapsulationKey,
      decapsulate: (ciphertext: Uint8Array) => mixed(ciphertext, pad(encapsulationKey)),
    }
  },
  encapsulate(encapsulationKey: Uint8Array) {
    const secret = timeline().process.chance.bytes(32)
    const rest = Buffer.alloc(ciphertextBytes - 32)
    return { ciphertext: Buffer.concat([mixed(secret, pad(encapsulationKey)), rest]), secret }
  },
}

export const loadMlKem = async () => toy
export const lastingKem = async () => toy
export const nativeKem = () => toy
export const libraryKem = () => toy
