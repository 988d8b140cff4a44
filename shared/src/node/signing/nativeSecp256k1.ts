import { createRequire } from 'node:module'

interface Secp256k1 {
  ecdsaSign(message: Uint8Array, privateKey: Uint8Array): { signature: Uint8Array; recid: number }
  ecdsaRecover(signature: Uint8Array, recid: number, message: Uint8Array, compressed: boolean): Uint8Array
  publicKeyCreate(privateKey: Uint8Array, compressed: boolean): Uint8Array
  privateKeyVerify(privateKey: Uint8Array): boolean
}

/**
 * The compiled curve. The package's own entry falls back to JavaScript thirty times slower without a word,
 * so the binding is asked for by name, and its absence ends the program.
 */
export function secp256k1(): Secp256k1 {
  loaded ??= load()
  return loaded
}

// Not before it is needed: most commands sign nothing, and the others wait for their key first.
let loaded: Secp256k1 | undefined

function load(): Secp256k1 {
  try {
    return createRequire(import.meta.url)('secp256k1/bindings.js') as Secp256k1
  } catch (cause) {
    throw new Error(
      'The native part of the package secp256k1 is missing for this machine. Install a C++ compiler, make and python3, then run: npm rebuild secp256k1',
      { cause },
    )
  }
}
