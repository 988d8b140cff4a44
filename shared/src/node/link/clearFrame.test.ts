import fc from 'fast-check'
import { expect, it } from 'vitest'
import { clearLimit, type PromiseFrame } from '../../clear.js'
import { type Address, type Hex, unixSeconds, wei } from '../../units.js'
import { maxFrameBytes } from '../../wire.js'
import { GivenHandles, handleLimit, noHandle, TakenHandles } from './channelHandles.js'
import { decodeClear, decodeCleared, encodeClear, encodeCleared } from './clearFrame.js'

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((raw): Hex => `0x${Buffer.from(raw).toString('hex')}`)
const amount = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(wei)
const number = fc.nat({ max: 2 ** 32 - 1 })
/** As they are kept: a low s, a v of 27 or 28. */
const signature = fc
  .tuple(hex(32), fc.bigInt({ min: 0n, max: 2n ** 255n - 1n }), fc.constantFrom('1b', '1c'))
  .map(([r, s, v]): Hex => `${r}${s.toString(16).padStart(64, '0')}${v}`)
const request = fc.record({
  promises: fc.array(fc.record({ channelId: hex(32), amount, signature }), { maxLength: 20 }),
})
const answer = fc.record({
  total: amount,
  signature: hex(65),
  guarantees: fc.array(
    fc.record({
      channelId: hex(32),
      provider: hex(20).map((text) => text as Address),
      ceiling: amount,
      expiresAt: fc.maxSafeNat().map(unixSeconds),
      signature: hex(65),
    }),
    { maxLength: 5 },
  ),
  refused: fc.array(
    fc.record({
      channelId: hex(32),
      code: fc.string({ maxLength: 60 }),
      message: fc.string({ maxLength: 60 }),
    }),
    { maxLength: 5 },
  ),
  stamps: fc.array(fc.record({ channelId: hex(32), stamp: hex(32) }), { maxLength: 5 }),
})

it('reads back every clear and every answer it lays out', () => {
  fc.assert(
    fc.property(number, request, answer, (id, params, value) => {
      expect(decodeClear(encodeClear(id, params, new GivenHandles()), new TakenHandles())).toMatchObject({
        id,
        params,
      })
      expect(decodeCleared(encodeCleared(id, value))).toEqual({ id, value })
    }),
  )
})

it('takes no frame that is a byte too long or too short, and never throws at one', () => {
  fc.assert(
    fc.property(number, request, answer, fc.nat(), (id, params, value, cut) => {
      for (const [frame, decode] of [
        [encodeClear(id, params, new GivenHandles()), (raw: Buffer) => decodeClear(raw, new TakenHandles())],
        [encodeCleared(id, value), decodeCleared],
      ] as const) {
        expect(decode(frame.subarray(0, frame.length - 1))).toBeUndefined()
        expect(decode(Buffer.concat([frame, Buffer.from([0])]))).toBeUndefined()
        const flipped = Buffer.from(frame)
        flipped[cut % frame.length] = (flipped[cut % frame.length] ?? 0) ^ 0xff
        decode(flipped)
        decode(frame.subarray(0, cut % frame.length))
      }
    }),
  )
})

it('keeps a full clear and the longest answer to it within a frame', () => {
  const id = `0x${'ab'.repeat(32)}` as const
  const signature = `0x${'cd'.repeat(65)}` as const
  const most = wei(2n ** 256n - 1n)
  const each = <Entry>(entry: Entry): Entry[] => Array.from({ length: clearLimit }, () => entry)
  const promises = each({ channelId: id, amount: most, signature })
  expect(encodeClear(1, { promises }, new GivenHandles()).length).toBeLessThanOrEqual(maxFrameBytes)
  expect(() => encodeClear(1, { promises: [...promises, ...promises] }, new GivenHandles())).toThrow(
    'at most 1000',
  )
  const provider = `0x${'ef'.repeat(20)}` as Address
  const frame = encodeCleared(1, {
    total: most,
    signature,
    guarantees: each({ channelId: id, provider, ceiling: most, expiresAt: unixSeconds(1), signature }),
    refused: each({ channelId: id, code: 'insufficient-collateral', message: 'x'.repeat(200) }),
    stamps: [],
  })
  expect(frame.length).toBeLessThanOrEqual(maxFrameBytes)
  const taken = encodeCleared(1, {
    total: most,
    signature,
    guarantees: each({ channelId: id, provider, ceiling: most, expiresAt: unixSeconds(1), signature }),
    refused: [],
    stamps: each({ channelId: id, stamp: id }),
  })
  expect(taken.length).toBeLessThanOrEqual(maxFrameBytes)
  const refused = decodeCleared(frame)?.value.refused
  expect(refused?.every(({ code }) => code === 'insufficient-collateral')).toBe(true)
  expect([refused?.at(0)?.message.length, refused?.at(-1)?.message.length]).toEqual([200, 0])
})

const promiseOn = (channel: number): PromiseFrame => ({
  channelId: `0x${channel.toString(16).padStart(64, '0')}`,
  amount: wei(5n * 10n ** 18n),
  signature: `0x${'5d'.repeat(64)}1c`,
})
const nothing = { total: wei(0n), signature: '0x', guarantees: [], refused: [], stamps: [] } as const

it('says a channel in two bytes once a promise on it was taken, so that a promise is 75 bytes long', () => {
  const given = new GivenHandles()
  const taken = new TakenHandles()
  const first = { promises: [promiseOn(1), promiseOn(2)] }
  const read = decodeClear(encodeClear(1, first, given), taken)
  const second = encodeClear(2, first, given)
  expect(second).toHaveLength(5 + 2 * (75 + 32))
  const refused = { ...nothing, refused: [{ channelId: promiseOn(2).channelId, code: 'x', message: '' }] }
  given.answered(first, refused)
  taken.answered(read?.named ?? new Map(), refused)
  const third = encodeClear(3, first, given)
  expect(third).toHaveLength(5 + 2 * 75 + 32)
  expect(decodeClear(third, taken)?.params).toEqual(first)
  // What came before the answer still reads, and nobody else's handles do.
  expect(decodeClear(second, taken)?.params).toEqual(first)
  expect(decodeClear(third, new TakenHandles())).toBeUndefined()
})

it('keeps no more handles than it may, and sends the id of what has none', () => {
  const given = new GivenHandles()
  for (let channel = 0; channel < handleLimit; channel++) given.of(promiseOn(channel).channelId)
  const promises = [promiseOn(handleLimit)]
  const frame = encodeClear(1, { promises }, given)
  given.answered({ promises }, nothing)
  expect(frame.readUInt16BE(5)).toBe(noHandle)
  expect(encodeClear(1, { promises }, given)).toEqual(frame)
  const taken = new TakenHandles()
  taken.answered(decodeClear(frame, taken)?.named ?? new Map(), nothing)
  expect(taken.channel(noHandle)).toBeUndefined()
})
