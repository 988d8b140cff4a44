import { type Address, address, encodeMessage, type Hex, wei } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JournalEntry, PaperTrail } from './paperTrail.js'

const channelId = `0x${'c1'.repeat(32)}` as Hex
const provider = address(`0x${'a1'.repeat(20)}`)
const total = (amount: bigint, who: Address = provider): JournalEntry => ({
  kind: 'total',
  channelId,
  provider: who,
  amount: wei(amount),
})

describe('a paper trail', () => {
  it('refuses a total below the one before, and takes the same again', () => {
    const trail = PaperTrail.empty.with(total(10n)).with(total(10n))
    expect(() => trail.with(total(9n))).toThrow(/may not follow/)
    expect(trail.total(channelId, provider)).toBe(10n)
  })

  it('takes no new total once the channel is closing', () => {
    const closing: JournalEntry = { kind: 'closing', channelId, totals: [] }
    const trail = PaperTrail.empty.with(total(10n)).with(closing)
    expect(trail.isClosing(channelId)).toBe(true)
    expect(() => trail.with(total(11n))).toThrow(/closing/)
    expect(() => trail.with(total(1n, address(`0x${'a2'.repeat(20)}`)))).toThrow(/closing/)
    expect(trail.with(total(10n)).total(channelId, provider)).toBe(10n)
  })

  it('keeps providers and channels apart', () => {
    const other = address(`0x${'a2'.repeat(20)}`)
    const trail = PaperTrail.empty.with(total(10n)).with(total(3n, other))
    expect(trail.totals(channelId)).toEqual([
      { provider, amount: 10n },
      { provider: other, amount: 3n },
    ])
    expect(trail.total(`0x${'c2'.repeat(32)}`, provider)).toBe(0n)
  })

  it('is the same after it was written and read', () => {
    const entries: JournalEntry[] = [
      {
        kind: 'prefund',
        channelId,
        hub: address(`0x${'b1'.repeat(20)}`),
        nonce: 3,
        ownSignature: '0x01',
        hubSignature: '0x02',
      },
      total(123_456_789_012_345_678_901_234n),
      { kind: 'closing', channelId, totals: [{ provider, amount: wei(5n) }] },
      {
        kind: 'receipt',
        receipt: {
          provider,
          channelId,
          amount: 7n,
          bytes: 8,
          throughputKbps: 9,
          score: 0,
          endedAt: 10,
          signature: '0x03',
          downBytes: 5,
          upBytes: 3,
          promises: 1,
          seconds: 2,
          spent: wei(7n),
          reason: 'user',
        },
      },
    ]
    const read = PaperTrail.from(entries.map((entry) => JSON.parse(encodeMessage(entry))))
    expect(read.entries()).toEqual(entries)
    expect(
      PaperTrail.from(read.entries().map((entry) => JSON.parse(encodeMessage(entry)))).entries(),
    ).toEqual(entries)
  })

  it('never ends below a total it took', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 100n })), (amounts) => {
        let trail = PaperTrail.empty
        let largest = 0n
        for (const amount of amounts) {
          try {
            trail = trail.with(total(amount))
            largest = amount
          } catch {
            expect(amount).toBeLessThan(largest)
          }
          expect(trail.total(channelId, provider)).toBe(largest)
        }
      }),
    )
  })
})
