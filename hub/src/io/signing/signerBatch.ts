import type { Address, PromiseFrame } from '@pontage/shared'
import { addressFrom, writeAmount, writeHex } from '@pontage/shared/node'

/** A micro-promise with the provider it is made to. */
export interface AddressedPromise extends PromiseFrame {
  readonly provider: Address
}

/** The document's fields as words, in their order. */
const wordsBytes = 3 * 32
const signatureBytes = 65
const itemBytes = wordsBytes + signatureBytes
/** Bytes of one signer in a worker's answer. */
export const signerBytes = 20

/** Promises one after the other: channel id, provider, amount, signature. */
export function writeBatch(promises: readonly AddressedPromise[]): Buffer {
  const batch = Buffer.alloc(promises.length * itemBytes)
  promises.forEach(({ channelId, provider, amount, signature }, index) => {
    const at = index * itemBytes
    writeHex(batch, channelId, at, 32)
    writeHex(batch, provider, at + 44, 20)
    writeAmount(batch, amount, at + 64)
    writeHex(batch, signature, at + wordsBytes, signatureBytes)
  })
  return batch
}

/** Reads what `writeBatch` wrote, also after it changed threads. */
export function readBatch(raw: Uint8Array): { words: Buffer; signature: Buffer }[] {
  const batch = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
  return Array.from({ length: batch.length / itemBytes }, (_, index) => {
    const at = index * itemBytes
    return {
      words: batch.subarray(at, at + wordsBytes),
      signature: batch.subarray(at + wordsBytes, at + itemBytes),
    }
  })
}

/** Reads a worker's answer: undefined where nobody signed. */
export function readSigners(raw: Uint8Array): (Address | undefined)[] {
  const signers = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
  return Array.from({ length: signers.length / signerBytes }, (_, index) => {
    const at = index * signerBytes
    const isNobody =
      signers.readUInt32BE(at) === 0 && signers.subarray(at, at + signerBytes).every((byte) => byte === 0)
    return isNobody ? undefined : addressFrom(signers.subarray(at, at + signerBytes))
  })
}
