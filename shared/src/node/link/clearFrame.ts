import { type ClearAnswer, type ClearRequest, clearLimit, type PromiseFrame } from '../../clear.js'
import type { Signed } from '../../documents.js'
import { type Address, type Hex, unixSeconds } from '../../units.js'
import { maxFrameBytes } from '../../wire.js'
import { frameKind, readAmount, readHex, writeAmount, writeHex } from './promiseFrame.js'

/** Bytes before the body: kind, number of the request. */
const headBytes = 1 + 4
/** A promise: channel id, amount, signature. */
const heldPromiseBytes = 32 + 32 + 65
/** Total, signature, how many guarantees, how many refusals. */
const answerBytes = 32 + 65 + 2 + 2
/** A guarantee: channel id, provider, ceiling, expiry, signature. */
const guaranteeBytes = 32 + 20 + 32 + 8 + 65
/** A stamp: channel id, 32 bytes. */
const stampBytes = 32 + 32
/** Longest code and longest sentence: their lengths take a byte each. */
const maxTextBytes = 255

/** `kind ‖ number ‖ promises`, numbers big-endian. @throws RangeError when there are more than `clearLimit` */
export function encodeClear(id: number, { promises }: ClearRequest): Buffer {
  if (promises.length > clearLimit)
    throw new RangeError(`A clear carries ${promises.length} promises; expected at most ${clearLimit}.`)
  const frame = Buffer.allocUnsafe(headBytes + promises.length * heldPromiseBytes)
  frame[0] = frameKind.clear
  frame.writeUInt32BE(id, 1)
  writePromises(frame, headBytes, promises)
  return frame
}

/** Undefined when the frame is not a clear of a right length. */
export function decodeClear(frame: Buffer): { id: number; params: ClearRequest } | undefined {
  const count = (frame.length - headBytes) / heldPromiseBytes
  if (frame[0] !== frameKind.clear || !Number.isInteger(count) || count < 0 || count > clearLimit)
    return undefined
  return { id: frame.readUInt32BE(1), params: { promises: readPromises(frame, headBytes, count) } }
}

/** Lays promises out one after the other, from `offset`. */
function writePromises(into: Buffer, offset: number, promises: readonly PromiseFrame[]): void {
  let at = offset
  for (const { channelId, amount, signature } of promises) {
    writeHex(into, channelId, at, 32)
    writeAmount(into, amount, at + 32)
    writeHex(into, signature, at + 64, 65)
    at += heldPromiseBytes
  }
}

/** Reads what `writePromises` wrote. */
function readPromises(from: Buffer, offset: number, count: number): PromiseFrame[] {
  return Array.from({ length: count }, (_, index) => {
    const at = offset + index * heldPromiseBytes
    return {
      channelId: readHex(from, at, 32),
      amount: readAmount(from, at + 32),
      signature: readHex(from, at + 64, 65),
    }
  })
}

/**
 * `kind ‖ number ‖ total ‖ signature ‖ counts ‖ guarantees ‖ refusals ‖ stamps`. A refusal is the channel id, then code
 * and sentence with a byte of length before each; where the frame has no room left, the sentence is empty.
 */
export function encodeCleared(
  id: number,
  { total, signature, guarantees, refused, stamps }: ClearAnswer,
): Buffer {
  const codes = refused.map(({ code }) => Buffer.from(code).subarray(0, maxTextBytes))
  const refusalsAt = headBytes + answerBytes + guarantees.length * guaranteeBytes
  let room =
    maxFrameBytes -
    codes.reduce((sum, code) => sum + 34 + code.length, refusalsAt + stamps.length * stampBytes)
  const refusals = refused.map(({ channelId, message }, index) => {
    const sentence = Buffer.from(message).subarray(0, Math.max(0, Math.min(maxTextBytes, room)))
    room -= sentence.length
    const code = codes[index] ?? Buffer.alloc(0)
    return [hexBytes(channelId), Buffer.from([code.length]), code, Buffer.from([sentence.length]), sentence]
  })
  const frame = Buffer.allocUnsafe(refusalsAt)
  frame[0] = frameKind.cleared
  frame.writeUInt32BE(id, 1)
  writeAmount(frame, total, 5)
  writeHex(frame, signature, 37, 65)
  frame.writeUInt16BE(guarantees.length, 102)
  frame.writeUInt16BE(refused.length, 104)
  guarantees.forEach((guarantee, index) => {
    const at = headBytes + answerBytes + index * guaranteeBytes
    writeHex(frame, guarantee.channelId, at, 32)
    writeHex(frame, guarantee.provider, at + 32, 20)
    writeAmount(frame, guarantee.ceiling, at + 52)
    frame.writeBigUInt64BE(BigInt(guarantee.expiresAt), at + 84)
    writeHex(frame, guarantee.signature, at + 92, 65)
  })
  const stamped = stamps.flatMap(({ channelId, stamp }) => [hexBytes(channelId), hexBytes(stamp)])
  return Buffer.concat([frame, ...refusals.flat(), ...stamped])
}

/** Undefined when the frame is not an answer to a clear. */
export function decodeCleared(frame: Buffer): { id: number; value: ClearAnswer } | undefined {
  if (frame[0] !== frameKind.cleared || frame.length < headBytes + answerBytes) return undefined
  const guaranteeCount = frame.readUInt16BE(102)
  const refusedCount = frame.readUInt16BE(104)
  let at = headBytes + answerBytes
  if (frame.length < at + guaranteeCount * guaranteeBytes) return undefined
  const guarantees = Array.from({ length: guaranteeCount }, (_, index) =>
    readGuarantee(frame, at + index * guaranteeBytes),
  )
  at += guaranteeCount * guaranteeBytes
  const text = () => {
    const length = frame[at] ?? 0
    at += 1 + length
    return frame.toString('utf8', at - length, at)
  }
  const refused: { channelId: Hex; code: string; message: string }[] = []
  while (refused.length < refusedCount && at + 34 <= frame.length) {
    const channelId = readHex(frame, at, 32)
    at += 32
    refused.push({ channelId, code: text(), message: text() })
  }
  const stampCount = (frame.length - at) / stampBytes
  if (refused.length !== refusedCount || !Number.isInteger(stampCount) || stampCount < 0) return undefined
  const stamps = Array.from({ length: stampCount }, (_, index) => ({
    channelId: readHex(frame, at + index * stampBytes, 32),
    stamp: readHex(frame, at + index * stampBytes + 32, 32),
  }))
  const value = {
    total: readAmount(frame, 5),
    signature: readHex(frame, 37, 65),
    guarantees,
    refused,
    stamps,
  }
  return { id: frame.readUInt32BE(1), value }
}

/** An expiry beyond the safe integers lies further off than any guarantee may: it is read as the largest of them. */
const readGuarantee = (frame: Buffer, at: number): Signed<'Guarantee'> => ({
  channelId: readHex(frame, at, 32),
  provider: readHex(frame, at + 32, 20) as Address,
  ceiling: readAmount(frame, at + 52),
  expiresAt: unixSeconds(Math.min(Number(frame.readBigUInt64BE(at + 84)), Number.MAX_SAFE_INTEGER)),
  signature: readHex(frame, at + 92, 65),
})

const hexBytes = (hex: Hex): Buffer => Buffer.from(hex.slice(2), 'hex')
