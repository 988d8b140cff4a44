import fc from 'fast-check'
import { expect, it } from 'vitest'
import { eachAttribute, kinds, marks, messagesIn, NftRequest } from './nftMessages.js'

const names = fc.array(fc.stringMatching(/^[a-z][a-z0-9_]{0,62}$/), { maxLength: 200 })

it('writes every attribute of however many messages, each where its reader finds it', () =>
  fc.assert(
    fc.property(names, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (given, value) => {
      const request = new NftRequest(7)
      for (const name of given)
        request.message(kinds.addObject, marks.create, (message) =>
          message.text(1, name).nested(4, (inside) => inside.number(2, name.length).bigNumber(1, value)),
        )
      const { bytes } = request
      const read = [...messagesIn(bytes)].map((message) => {
        expect([message.kind, message.flags]).toEqual([kinds.addObject, marks.request | marks.create])
        const found: (string | bigint | number)[] = [message.sequence]
        eachAttribute(bytes, message, (kind, from, to) => {
          if (kind === 1) found.push(bytes.toString('latin1', from, to - 1))
          else
            eachAttribute(bytes, { from, to }, (of, at) =>
              found.push(of === 1 ? bytes.readBigUInt64BE(at) : bytes.readUInt32BE(at)),
            )
        })
        return found
      })
      expect(read).toEqual(given.map((name, index) => [7 + index, name, name.length, value]))
      expect(request.last).toBe(6 + given.length)
    }),
  ))

it('reads what does not fit to no end but its own', () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(400), (noise, length) => {
      const answer = Buffer.from(noise)
      // Lengths by chance are nearly never near.
      if (answer.length >= 20) answer.writeUInt32LE(length, 0)
      if (answer.length >= 24) answer.writeUInt16LE(length % 40, 20)
      try {
        for (const message of messagesIn(answer)) {
          expect(message.to).toBeLessThanOrEqual(answer.length)
          eachAttribute(answer, message, (_kind, from, to) => {
            expect(from).toBeLessThanOrEqual(to)
            expect(to).toBeLessThanOrEqual(message.to)
          })
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
    }),
    { numRuns: 2_000 },
  ))

it('names what does not fit', () => {
  const { bytes } = new NftRequest(1).message(kinds.readObject, 0, (message) => message.text(1, 'inet'))
  expect(() => [...messagesIn(bytes.subarray(0, -1))]).toThrow('a message of 32 bytes where there are 31')
  bytes.writeUInt16LE(40, 20)
  const [message] = messagesIn(bytes)
  expect(() => eachAttribute(bytes, message ?? { from: 0, to: 0 }, () => {})).toThrow(
    'an attribute of 40 bytes where there are 12',
  )
})
