import { createKeccak } from 'hash-wasm'

const hasher = await createKeccak(256)

/** keccak-256 of `data`: 32 bytes. */
export const keccak256 = (data: Uint8Array): Buffer =>
  Buffer.from(hasher.init().update(data).digest('binary'))
