import type { PromiseFrame } from '../../clear.js'
import { type Hex, type Wei, wei } from '../../units.js'

/**
 * First byte of the binary frames: the two hot messages of a session, a clear with its answer, and what a carrier
 * carries, with the count of what arrived.
 */
export const frameKind = { promise: 1, accepted: 2, clear: 3, cleared: 4, packets: 5, arrived: 6 } as const

/** Bytes of a promise frame: kind, channel id, amount, signature. */
export const promiseFrameBytes = 1 + 32 + 32 + 65
/** Bytes of an acceptance: kind, amount. */
export const acceptedFrameBytes = 1 + 32

/** Lays out `kind ‖ channelId ‖ amount ‖ signature`, numbers big-endian. */
export function encodePromise(promise: PromiseFrame): Buffer {
  const frame = Buffer.alloc(promiseFrameBytes)
  frame[0] = frameKind.promise
  writeHex(frame, promise.channelId, 1, 32)
  writeAmount(frame, promise.amount, 33)
  writeHex(frame, promise.signature, 65, 65)
  return frame
}

/** Undefined when the frame is not a promise of the right length. */
export function decodePromise(frame: Buffer): PromiseFrame | undefined {
  if (frame.length !== promiseFrameBytes || frame[0] !== frameKind.promise) return undefined
  return {
    channelId: readHex(frame, 1, 32),
    amount: readAmount(frame, 33),
    signature: readHex(frame, 65, 65),
  }
}

/** Lays out `kind ‖ amount`: the total the provider has stored. */
export function encodeAccepted(amount: Wei): Buffer {
  const frame = Buffer.alloc(acceptedFrameBytes)
  frame[0] = frameKind.accepted
  writeAmount(frame, amount, 1)
  return frame
}

/** Undefined when the frame is not an acceptance of the right length. */
export function decodeAccepted(frame: Buffer): Wei | undefined {
  if (frame.length !== acceptedFrameBytes || frame[0] !== frameKind.accepted) return undefined
  return readAmount(frame, 1)
}

/** Writes `length` bytes; what the text lacks stays zero, so that nothing that lay there before shows. */
export function writeHex(into: Buffer, hex: Hex, at: number, length: number): void {
  const written = into.write(hex.slice(2), at, length, 'hex')
  if (written < length) into.fill(0, at + written, at + length)
}

export const readHex = (from: Buffer, at: number, length: number): Hex =>
  `0x${from.toString('hex', at, at + length)}`

/** Bytes that an amount has without leading zeros; none for nothing. @throws RangeError when there are more than 32 */
export function amountBytes(amount: bigint): number {
  const length = amount === 0n ? 0 : Math.ceil(amount.toString(16).length / 2)
  if (length > 32) throw new RangeError(`${amount} wei is more than 32 bytes hold.`)
  return length
}

/** Big-endian. @throws RangeError when the amount has more than `length` bytes */
export function writeAmount(into: Buffer, amount: bigint, at: number, length = 32): void {
  if (length === 0 && amount === 0n) return
  const digits = amount.toString(16)
  if (digits.length > 2 * length) throw new RangeError(`${amount} wei is more than ${length} bytes hold.`)
  into.write(digits.padStart(2 * length, '0'), at, 'hex')
}

export const readAmount = (from: Buffer, at: number, length = 32): Wei =>
  length === 0 ? wei(0n) : wei(BigInt(readHex(from, at, length)))
