import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Counted, chargedBytes, headerBytesIn, toleratedLoss } from './metering.js'
import { bytes } from './units.js'

const counted = (downBytes: bigint, downPackets: bigint, upBytes = 0n, upPackets = 0n): Counted => ({
  downBytes: bytes(downBytes),
  upBytes: bytes(upBytes),
  downPackets,
  upPackets,
})

/** One connection's download, counted in packets of `each` bytes of payload under one header. */
const seenAs = (payload: bigint, each: bigint, header: bigint): Counted => {
  const packets = (payload + each - 1n) / each
  return counted(payload + packets * header, packets)
}

describe('the bytes that are charged', () => {
  it('are those of the packets without 52 bytes of headers each', () => {
    expect(chargedBytes(counted(1_280_000n, 1_000n))).toBe(1_228_000n)
    expect(chargedBytes(counted(1_280_000n, 1_000n, 640_000n, 500n))).toBe(1_842_000n)
  })

  it('are the same whether a kernel hands on each packet or many as one', () => {
    const single = seenAs(100_000_000n, 1_228n, 52n)
    const merged = seenAs(100_000_000n, 60_000n, 52n)
    expect(chargedBytes(single)).toBe(chargedBytes(merged))
  })

  it('differ by less than what loss explains for every usual header, whoever merges', () => {
    for (const header of [28n, 40n, 48n, 52n, 60n, 72n]) {
      const single = chargedBytes(seenAs(100_000_000n, 1_280n - header, header))
      const merged = chargedBytes(seenAs(100_000_000n, 60_000n, header))
      const gap = single > merged ? single - merged : merged - single
      expect(gap).toBeLessThan(toleratedLoss(bytes(100_000_000n)))
    }
  })

  it('are three quarters at least, in each direction: tiny packets one way make the other way no cheaper', () => {
    expect(chargedBytes(counted(2_000n, 100n))).toBe(1_500n)
    const padded = counted(1_280_000n, 1_000n, 20n * 100_000n, 100_000n)
    expect(chargedBytes(padded)).toBe(1_228_000n + 1_500_000n)
  })

  it('leave out no less while packets are added, and no more than was counted', () => {
    const packet = fc.record({ size: fc.bigInt(20n, 65_535n), down: fc.boolean() })
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 60 }), (packets) => {
        let before = counted(0n, 0n)
        for (const { size, down } of packets) {
          const after = down
            ? { ...before, downBytes: bytes(before.downBytes + size), downPackets: before.downPackets + 1n }
            : { ...before, upBytes: bytes(before.upBytes + size), upPackets: before.upPackets + 1n }
          expect(headerBytesIn(after)).toBeGreaterThanOrEqual(headerBytesIn(before))
          expect(chargedBytes(after)).toBeLessThanOrEqual(after.downBytes + after.upBytes)
          before = after
        }
      }),
    )
  })
})
