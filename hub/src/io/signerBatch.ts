import {
  type Address,
  heldPromiseBytes,
  type PromiseFrame,
  readPromises,
  writePromises,
} from '@pontage/shared'
import { addressFrom, hexBlob } from '@pontage/shared/node'

/** A micro-promise with the provider it is made to. */
export interface AddressedPromise extends PromiseFrame {
  readonly provider: Address
}

/** Bytes of one signer in a worker's answer. */
export const signerBytes = 20
const itemBytes = signerBytes + heldPromiseBytes

/** Promises one after the other: provider, channel id, amount, signature. */
export function writeBatch(promises: readonly AddressedPromise[]): Buffer {
  const batch = Buffer.alloc(promises.length * itemBytes)
  promises.forEach((promise, index) => {
    batch.set(hexBlob(promise.provider), index * itemBytes)
    writePromises(batch, index * itemBytes + signerBytes, [promise])
  })
  return batch
}

/** Reads what `writeBatch` wrote, also after it changed threads. */
export function readBatch(raw: Uint8Array): AddressedPromise[] {
  const batch = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
  return Array.from({ length: batch.length / itemBytes }, (_, index) => {
    const at = index * itemBytes
    const [promise] = readPromises(batch, at + signerBytes, 1) as [PromiseFrame]
    return { ...promise, provider: addressFrom(batch.subarray(at, at + signerBytes)) }
  })
}

/** Reads a worker's answer: undefined where nobody signed. */
export function readSigners(raw: Uint8Array): (Address | undefined)[] {
  const signers = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
  return Array.from({ length: signers.length / signerBytes }, (_, index) => {
    const signer = signers.subarray(index * signerBytes, (index + 1) * signerBytes)
    return signer.every((byte) => byte === 0) ? undefined : addressFrom(signer)
  })
}
