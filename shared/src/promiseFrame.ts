import { type Hex, type Wei, wei } from './units.js'

/** First byte of the binary frames: the two hot messages of a session. */
export const frameKind = { promise: 1, accepted: 2 } as const

/** Bytes of a promise frame: kind, channel id, amount, signature. */
export const promiseFrameBytes = 1 + 32 + 32 + 65
/** Bytes of an acceptance: kind, amount. */
export const acceptedFrameBytes = 1 + 32

/** A micro-promise as it travels; the provider is whoever it is sent to. */
export interface PromiseFrame {
  readonly channelId: Hex
  readonly amount: Wei
  readonly signature: Hex
}

/** Lays out `kind ‖ channelId ‖ amount ‖ signature`, numbers big-endian. */
export function encodePromise(promise: PromiseFrame): Buffer {
  const frame = Buffer.alloc(promiseFrameBytes)
  frame[0] = frameKind.promise
  frame.write(promise.channelId.slice(2), 1, 'hex')
  frame.write(promise.amount.toString(16).padStart(64, '0'), 33, 'hex')
  frame.write(promise.signature.slice(2), 65, 'hex')
  return frame
}

/** Undefined when the frame is not a promise of the right length. */
export function decodePromise(frame: Buffer): PromiseFrame | undefined {
  if (frame.length !== promiseFrameBytes || frame[0] !== frameKind.promise) return undefined
  return {
    channelId: `0x${frame.toString('hex', 1, 33)}`,
    amount: wei(BigInt(`0x${frame.toString('hex', 33, 65)}`)),
    signature: `0x${frame.toString('hex', 65, 130)}`,
  }
}

/** Lays out `kind ‖ amount`: the total the provider has stored. */
export function encodeAccepted(amount: Wei): Buffer {
  const frame = Buffer.alloc(acceptedFrameBytes)
  frame[0] = frameKind.accepted
  frame.write(amount.toString(16).padStart(64, '0'), 1, 'hex')
  return frame
}

/** Undefined when the frame is not an acceptance of the right length. */
export function decodeAccepted(frame: Buffer): Wei | undefined {
  if (frame.length !== acceptedFrameBytes || frame[0] !== frameKind.accepted) return undefined
  return wei(BigInt(`0x${frame.toString('hex', 1, 33)}`))
}
