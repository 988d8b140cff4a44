import type { Hex } from './units.js'

/** A signature as the chain takes it in batches (ERC-2098): r, then s with v's parity in its highest bit. */
export interface ShortSignature {
  readonly r: Hex
  readonly vs: Hex
}

/** @param signature - 65 bytes with a low s and a v of 27 or 28, as all that are stored. */
export function shortSignature(signature: Hex): ShortSignature {
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)]
  const parity = v.toLowerCase() === '1c' ? 1n << 255n : 0n
  return { r: `0x${r}`, vs: `0x${(BigInt(`0x${s}`) | parity).toString(16).padStart(64, '0')}` }
}
