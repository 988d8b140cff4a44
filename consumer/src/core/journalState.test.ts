import { type Address, address, bytes, encodeMessage, type Hex, unixSeconds, wei } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JournalEntry } from './journalEntry.js'
import { JournalState } from './journalState.js'

const channelId = `0x${'c1'.repeat(32)}` as Hex
const provider = address(`0x${'a1'.repeat(20)}`)
const total = (amount: bigint, who: Address = provider): JournalEntry => ({
  kind: 'total',
  channelId,
  provider: who,
  amount: wei(amount),
})

describe('a journal’s state', () => {
  it('refuses a total below the one before, and takes the same again', () => {
    const trail = JournalState.empty.with(total(10n)).with(total(10n))
    expect(() => trail.with(total(9n))).toThrow(/cannot follow/)
    expect(trail.total(channelId, provider)).toBe(10n)
  })

  it('takes no new total once the channel is closing', () => {
    const closing: JournalEntry = { kind: 'closing', channelId, totals: [] }
    const trail = JournalState.empty.with(total(10n)).with(closing)
    expect(trail.isClosing(channelId)).toBe(true)
    expect(() => trail.with(total(11n))).toThrow(/closing/)
    expect(() => trail.with(total(1n, address(`0x${'a2'.repeat(20)}`)))).toThrow(/closing/)
    expect(trail.with(total(10n)).total(channelId, provider)).toBe(10n)
  })

  it('knows what was lent by day, by month and in all, each lending by itself; the latest entry of a day holds', () => {
    const lent = (lending: string, day: string, spent: bigint, carried: bigint): JournalEntry => ({
      ...{ kind: 'lent', lending, day, spent: wei(spent), bytes: bytes(carried) },
    })
    const { usage } = [
      lent('a', '2026-11-29', 5n, 50n),
      lent('a', '2026-11-30', 2n, 40n),
      lent('a', '2026-11-30', 3n, 30n),
      lent('a', '2026-12-01', 1n, 1n),
      lent('b', '2026-11-30', 100n, 100n),
    ].reduce((trail, entry) => trail.with(entry), JournalState.empty)
    expect(usage.lentIn('a', '2026-11-30')).toEqual({ spent: 3n, bytes: 30n })
    expect(usage.lentIn('a', '2026-11')).toEqual({ spent: 8n, bytes: 80n })
    expect(usage.lentIn('a', '')).toEqual({ spent: 9n, bytes: 81n })
    expect(usage.lentIn('c', '')).toEqual({ spent: 0n, bytes: 0n })
  })

  it('keeps providers and channels apart', () => {
    const other = address(`0x${'a2'.repeat(20)}`)
    const trail = JournalState.empty.with(total(10n)).with(total(3n, other))
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
      { kind: 'spent', month: '2026-11', amount: wei(3n) },
      { kind: 'topUps', month: '2026-11', amount: wei(5n) },
      { kind: 'usage', session: '0f', month: '2026-11', bytes: bytes(2_000_000n) },
      { kind: 'lent', lending: '0a', day: '2026-11-30', spent: wei(7n), bytes: bytes(9n) },
      { kind: 'closing', channelId, totals: [{ provider, amount: wei(5n) }] },
      { kind: 'exit', channelId, stage: 'begun', at: unixSeconds(99) },
      {
        kind: 'receipt',
        receipt: {
          provider,
          channelId,
          amount: wei(7n),
          bytes: 8,
          throughputKbps: 9,
          score: 0,
          endedAt: unixSeconds(10),
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
    const read = JournalState.from(entries.map((entry) => JSON.parse(encodeMessage(entry))))
    expect(read.entries()).toEqual(entries)
    expect(
      JournalState.from(read.entries().map((entry) => JSON.parse(encodeMessage(entry)))).entries(),
    ).toEqual(entries)
  })

  it('knows what was spent in each month, also after it was written anew', () => {
    const november = unixSeconds(1_796_083_199)
    const december = unixSeconds(1_796_083_200)
    const spent = (amount: bigint, at: typeof november): JournalEntry => ({
      ...(total(amount) as Extract<JournalEntry, { kind: 'total' }>),
      at,
    })
    const learned = total(100n)
    const trail = JournalState.from(
      [learned, spent(130n, november), spent(130n, december), spent(145n, december)].map((entry) =>
        JSON.parse(encodeMessage(entry)),
      ),
    )
    const anew = JournalState.from(trail.entries().map((entry) => JSON.parse(encodeMessage(entry))))
    for (const each of [trail, anew]) {
      expect(each.usage.spentIn('2026-11')).toBe(30n)
      expect(each.usage.spentIn('2026-12')).toBe(15n)
      expect(each.usage.spentIn('2027-01')).toBe(0n)
    }
    expect(anew.with(spent(150n, december)).usage.spentIn('2026-12')).toBe(20n)
  })

  it('counts what flowed once, however often it is written down', () => {
    const usage = (session: string, month: string, flowed: bigint): JournalEntry => ({
      ...{ kind: 'usage', session, month, bytes: bytes(flowed) },
    })
    const trail = [
      usage('a', '2026-11', 10n),
      usage('a', '2026-11', 30n),
      usage('a', '2026-11', 20n),
      usage('b', '2026-11', 5n),
      usage('b', '2026-12', 7n),
    ].reduce((before, entry) => before.with(entry), JournalState.empty)
    expect(trail.usage.usedIn('2026-11')).toBe(35n)
    expect(trail.usage.usedBy('b')).toBe(12n)
    expect(trail.usage.usedByIn('b', '2026-12')).toBe(7n)
  })

  it('knows whether a larger total was signed elsewhere, or only forgotten here', () => {
    const opened: JournalEntry = {
      ...{ kind: 'prefund', channelId, hub: provider, nonce: 1, ownSignature: '0x01', hubSignature: '0x02' },
    }
    const other = address(`0x${'a2'.repeat(20)}`)
    const written = (trail: JournalState) =>
      JournalState.from(trail.entries().map((entry) => JSON.parse(encodeMessage(entry))))
    expect(JournalState.empty.knows(channelId, provider)).toBe(false)
    expect(JournalState.empty.with(opened).knows(channelId, provider)).toBe(true)
    const learned = JournalState.empty.with(total(5n))
    expect(learned.knows(channelId, provider)).toBe(true)
    expect(learned.knows(channelId, other)).toBe(false)
    const doubted = JournalState.empty.with(opened).with(total(5n)).with(total(6n, other))
    const since = written(doubted.with({ kind: 'doubt', channelId }).with(total(9n)))
    expect(since.knows(channelId, provider)).toBe(true)
    expect(since.knows(channelId, other)).toBe(false)
    expect(since.total(channelId, other)).toBe(6n)
    const contested = written(since.with({ kind: 'conflict', channelId }))
    expect(contested.isContested(channelId)).toBe(true)
    expect(written(contested.with({ kind: 'doubt', channelId })).isContested(channelId)).toBe(false)
  })

  it('rates a session in place, and sends the new receipt again', () => {
    const receipt = (signature: Hex, score: number): JournalEntry => ({
      kind: 'receipt',
      receipt: {
        ...{
          provider,
          channelId,
          amount: wei(7n),
          bytes: 8,
          throughputKbps: 9,
          score,
          endedAt: unixSeconds(10),
          signature,
        },
        ...{ downBytes: 5, upBytes: 3, promises: 1, seconds: 2, spent: wei(7n), reason: 'user' },
      },
    })
    const sent = JournalState.empty
      .with(receipt('0x01', 0))
      .with(receipt('0x02', 0))
      .with({ kind: 'delivered', signature: '0x01' })
      .with({ kind: 'delivered', signature: '0x02' })
    expect(sent.undelivered()).toEqual([])
    const rated = sent.with({
      ...(receipt('0x03', 4) as { kind: 'receipt' } & JournalEntry),
      replaces: '0x01',
    } as JournalEntry)
    const anew = JournalState.from(rated.entries().map((entry) => JSON.parse(encodeMessage(entry))))
    for (const trail of [rated, anew]) {
      expect(trail.receipts().map(({ score }) => score)).toEqual([4, 0])
      expect(trail.undelivered().map(({ signature }) => signature)).toEqual(['0x03'])
    }
  })

  it('never ends below a total it took', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 100n })), (amounts) => {
        let trail = JournalState.empty
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
