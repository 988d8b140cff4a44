import { type ClearAnswer, type ClearRequest, clearLimit, type PromiseFrame } from '../../clear.js'
import type { Signed } from '../../documents.js'
import { type Address, type Hex, unixSeconds } from '../../units.js'
import { maxFrameBytes } from '../../wire.js'
import type { GivenHandles, TakenHandles } from './channelHandles.js'
import { amountBytes, frameKind, readAmount, readHex, writeAmount, writeHex } from './promiseFrame.js'

/** Bytes before the body: kind, number of the request. */
const headBytes = 1 + 4
/** What a promise has at least: handle, length of its amount, signature. */
const leastPromiseBytes = 2 + 1 + 64
/** What it has at most: the id of its channel besides, and a whole word of amount. */
const mostPromiseBytes = leastPromiseBytes + 32 + 32
/** Set in the length of an amount where the id of the channel comes before it. */
const idFollows = 0x80
/** Total, signature, how many guarantees, how many refusals. */
const answerBytes = 32 + 65 + 2 + 2
/** A guarantee: channel id, provider, ceiling, expiry, signature. */
const guaranteeBytes = 32 + 20 + 32 + 8 + 65
/** A stamp: channel id, 32 bytes. */
const stampBytes = 32 + 32
/** Longest code and longest sentence: their lengths take a byte each. */
const maxTextBytes = 255

/**
 * `kind ‖ number ‖ promises`, numbers big-endian. A promise is `handle ‖ length ‖ id ‖ amount ‖ r ‖ vs`: the id only while its
 * handle is not known, the amount without leading zeros, the signature as ERC-2098 has it.
 *
 * @throws RangeError when there are more than `clearLimit`
 */
export function encodeClear(id: number, { promises }: ClearRequest, handles: GivenHandles): Buffer {
  if (promises.length > clearLimit)
    throw new RangeError(`A clear carries ${promises.length} promises; expected at most ${clearLimit}.`)
  const frame = Buffer.allocUnsafe(headBytes + promises.length * mostPromiseBytes)
  frame[0] = frameKind.clear
  frame.writeUInt32BE(id, 1)
  let at = headBytes
  for (const { channelId, amount, signature } of promises) {
    const { handle, isTaken } = handles.of(channelId)
    const length = amountBytes(amount)
    frame.writeUInt16BE(handle, at)
    frame[at + 2] = isTaken ? length : length | idFollows
    at += 3
    if (!isTaken) {
      writeHex(frame, channelId, at, 32)
      at += 32
    }
    writeAmount(frame, amount, at, length)
    at += length
    writeShortSignature(frame, signature, at)
    at += 64
  }
  return frame.subarray(0, at)
}

/**
 * @returns The request, and the handles that came with the ids they stand for; undefined when the frame is not a clear of a right
 *   length, or has a handle that stands for nothing.
 */
export function decodeClear(
  frame: Buffer,
  handles: TakenHandles,
): { id: number; params: ClearRequest; named: ReadonlyMap<number, Hex> } | undefined {
  if (frame[0] !== frameKind.clear || frame.length < headBytes) return undefined
  const promises: PromiseFrame[] = []
  const named = new Map<number, Hex>()
  let at = headBytes
  while (at < frame.length) {
    const length = (frame[at + 2] ?? 0) & ~idFollows
    const isNamed = ((frame[at + 2] ?? 0) & idFollows) !== 0
    const end = at + leastPromiseBytes + length + (isNamed ? 32 : 0)
    if (length > 32 || end > frame.length || promises.length >= clearLimit) return undefined
    const handle = frame.readUInt16BE(at)
    const channelId = isNamed ? readHex(frame, at + 3, 32) : handles.channel(handle)
    if (channelId === undefined) return undefined
    if (isNamed) named.set(handle, channelId)
    promises.push({
      channelId,
      amount: readAmount(frame, end - 64 - length, length),
      signature: readShortSignature(frame, end - 64),
    })
    at = end
  }
  return { id: frame.readUInt32BE(1), params: { promises }, named }
}

/** `r ‖ vs`. A signature that is not as `shortSignature` expects them comes out as another one, which nobody has signed. */
function writeShortSignature(into: Buffer, signature: Hex, at: number): void {
  writeHex(into, signature, at, 64)
  if (signature.endsWith('1c')) into[at + 32] = (into[at + 32] ?? 0) | 0x80
}

/** 65 bytes again: r, s, and a v of 27 or 28. */
function readShortSignature(from: Buffer, at: number): Hex {
  const text = from.toString('hex', at, at + 64)
  const top = from[at + 32] ?? 0
  if (top < 0x80) return `0x${text}1b`
  return `0x${text.slice(0, 64)}${(top & 0x7f).toString(16).padStart(2, '0')}${text.slice(66)}1c`
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
