import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodePackets, saying } from './packetFrame.fixture.js'
import {
  decodeArrived,
  decodePackets,
  encodeArrived,
  maxPacketFrameBytes,
  PacketFrame,
  shortestPacketBytes,
} from './packetFrame.js'
import { frameKind } from './promiseFrame.js'

const packets = fc.array(fc.uint8Array({ minLength: shortestPacketBytes, maxLength: 1_500 }), {
  maxLength: 30,
})

describe('a frame of packets', () => {
  it('gives back what was put in', () => {
    fc.assert(
      fc.property(packets, (given) => {
        expect(decodePackets(encodePackets(given))?.map((each) => [...each])).toEqual(
          given.map((each) => [...each]),
        )
      }),
    )
  })

  it('takes no more than it has room for, gives up the last packet, and is filled again', () => {
    const frame = new PacketFrame()
    const packet = (fill: number) => Buffer.alloc(1_400, fill)
    let taken = 0
    while (frame.add(packet(taken))) taken += 1
    expect(frame.bytes.length).toBeLessThanOrEqual(maxPacketFrameBytes)
    expect(frame.bytes.length + 2 + 1_400).toBeGreaterThan(maxPacketFrameBytes)
    frame.dropLast()
    expect(decodePackets(frame.bytes)).toEqual(Array.from({ length: taken - 1 }, (_, n) => packet(n)))
    frame.clear()
    expect(frame.isEmpty).toBe(true)
    expect(frame.add(saying('again'))).toBe(true)
    expect(decodePackets(frame.bytes)).toEqual([saying('again')])
    frame.dropLast()
    expect(frame.isEmpty).toBe(true)
  })

  it('is refused where it is not made of whole packets, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const frame = Buffer.from([frameKind.packets, ...bytes])
        const found = decodePackets(frame)
        if (found === undefined) return
        expect(encodePackets(found)).toEqual(frame)
      }),
    )
    expect(decodePackets(Buffer.from([frameKind.packets, 0]))).toBeUndefined()
    expect(decodePackets(Buffer.from([frameKind.packets, 0, 0]))).toBeUndefined()
    expect(decodePackets(Buffer.from([frameKind.packets, 0, 40, 7]))).toBeUndefined()
    expect(decodePackets(encodePackets([Buffer.alloc(shortestPacketBytes - 1)]))).toBeUndefined()
    expect(decodePackets(Buffer.from([frameKind.promise]))).toBeUndefined()
    expect(decodePackets(Buffer.alloc(maxPacketFrameBytes + 1, frameKind.packets))).toBeUndefined()
  })
})

describe('a count of frames', () => {
  it('is of 32 bits', () => {
    expect(decodeArrived(encodeArrived(7))).toBe(7)
    expect(decodeArrived(encodeArrived(2 ** 32 + 1))).toBe(1)
    expect(decodeArrived(Buffer.from([frameKind.arrived, 1]))).toBeUndefined()
  })
})
