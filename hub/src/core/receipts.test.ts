import { address, type Document, unixSeconds, wei } from '@pontage/shared'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ChannelLine, emptyTab } from './channelLine.js'
import { type CountedRating, countReceipt, judgeReceipt, noQuality, type Quality } from './receipts.js'

const consumer = address(`0x${'0c'.repeat(20)}`)
const provider = address(`0x${'0e'.repeat(20)}`)
const line: ChannelLine = {
  channelId: `0x${'01'.repeat(32)}`,
  consumer,
  nonce: 1,
  status: 'open',
  balance: wei(500n),
  exitAt: 0,
  closing: false,
  tabs: [{ ...emptyTab(provider), cleared: wei(300n) }],
}
const receipt: Document<'SessionReceipt'> = {
  provider,
  channelId: line.channelId,
  amount: wei(300n),
  bytes: 1_000_000,
  throughputKbps: 8_000,
  score: 5,
  endedAt: unixSeconds(1_000),
}
const judge = (more: Partial<typeof receipt>, signer: typeof consumer | undefined = consumer) =>
  judgeReceipt(line, { ...receipt, ...more }, signer, unixSeconds(1_000))

it('takes a receipt over what was cleared', () => {
  expect(judge({})).toEqual({ ok: true })
  expect(judge({ throughputKbps: 0, bytes: 0, score: 0, amount: wei(1n) })).toEqual({ ok: true })
})

it.each([
  [{ score: 6 }, 'implausible-receipt'],
  [{ throughputKbps: 1_000_000_001 }, 'implausible-receipt'],
  [{ bytes: 0 }, 'implausible-receipt'],
  [{ endedAt: unixSeconds(1_061) }, 'implausible-receipt'],
  [{ amount: wei(301n) }, 'uncovered-receipt'],
  [{ amount: wei(0n) }, 'uncovered-receipt'],
  [{ provider: consumer }, 'uncovered-receipt'],
])('refuses %o with %s', (more, code) => {
  expect(judge(more)).toMatchObject({ ok: false, refusal: { code } })
})

it('refuses what the consumer did not sign', () => {
  expect(judge({}, provider)).toMatchObject({ refusal: { code: 'wrong-signer' } })
  expect(judgeReceipt(line, receipt, undefined, unixSeconds(1_000))).toMatchObject({
    refusal: { code: 'malformed-signature' },
  })
})

it('counts each wei once, whatever receipts come in whatever order', () => {
  const rating = fc.record({
    amount: fc.bigInt(1n, 50n).map(wei),
    throughputKbps: fc.integer({ min: 0, max: 9 }),
    score: fc.integer({ min: 0, max: 5 }),
    endedAt: fc.integer({ min: 1, max: 30 }),
  })
  fc.assert(
    fc.property(fc.array(rating, { maxLength: 40 }), (ratings) => {
      let quality: Quality = noQuality(provider)
      const counted: CountedRating[] = []
      for (const each of ratings) {
        const newest = counted.at(-1)
        const taken = countReceipt(quality, newest, each)
        if (!taken.ok) {
          expect(newest && (newest.amount > each.amount || newest.endedAt >= each.endedAt)).toBe(true)
          continue
        }
        if (newest?.amount === each.amount) counted.pop()
        counted.push(taken.counted)
        quality = taken.quality
      }
      // The sums are those of what stands in the end, and all that is paid is the largest total.
      expect(quality.paid).toBe(counted.at(-1)?.amount ?? 0n)
      expect(quality.sessions).toBe(counted.length)
      const sum = (of: (each: CountedRating) => bigint) =>
        counted.reduce((total, each) => total + each.weight * of(each), 0n)
      expect(quality.throughputSum).toBe(sum(({ throughputKbps }) => BigInt(throughputKbps)))
      expect(quality.scoreSum).toBe(sum(({ score }) => BigInt(score)))
      expect(quality.ratedPaid).toBe(sum(({ score }) => (score > 0 ? 1n : 0n)))
    }),
  )
})
