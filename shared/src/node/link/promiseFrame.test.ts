import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Hex, wei } from '../../units.js'
import { decodeAccepted, decodePromise, encodeAccepted, encodePromise } from './promiseFrame.js'

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((raw): Hex => `0x${Buffer.from(raw).toString('hex')}`)
const amount = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(wei)

it('reads back every promise it lays out', () => {
  fc.assert(
    fc.property(hex(32), amount, hex(65), (channelId, amount, signature) => {
      const frame = { channelId, amount, signature }
      expect(decodePromise(encodePromise(frame))).toEqual(frame)
    }),
  )
})

it('reads back every acceptance it lays out', () => {
  fc.assert(
    fc.property(amount, (amount) => {
      expect(decodeAccepted(encodeAccepted(amount))).toBe(amount)
    }),
  )
})

it('takes no frame of another length or kind', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (raw) => {
      const frame = Buffer.from(raw)
      if (frame.length !== 130 || frame[0] !== 1) expect(decodePromise(frame)).toBeUndefined()
      if (frame.length !== 33 || frame[0] !== 2) expect(decodeAccepted(frame)).toBeUndefined()
    }),
  )
})
