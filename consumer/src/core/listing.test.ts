import {
  type Address,
  address,
  bytes,
  type Hex,
  unixSeconds,
  wei,
  weiPerHour,
  weiPerMegabyte,
} from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import type { StoredReceipt } from './journalEntry.js'
import { costOf, type Listed, sorted, wanted } from './listing.js'
import { ownQualities } from './quality.js'

const who = (byte: string): Address => address(`0x${byte.repeat(20)}`)
const noKey = `0x${'00'.repeat(32)}` as Hex
const unknown = { sessions: 0, paid: wei(0n), throughputKbps: null, score: null }

const listed = (byte: string, price: bigint, more: Partial<Listed> & { country?: string } = {}): Listed => ({
  proposal: {
    ...{
      provider: who(byte),
      service: 'wireguard',
      pricePerMegabyte: weiPerMegabyte(price),
      pricePerHour: weiPerHour(0n),
    },
    ...{
      country: more.country ?? 'DE',
      endpoint: 'vpn.example:7443',
      wireguardKey: noKey,
      certificate: noKey,
    },
    ...{ exitPolicy: '', hubs: [], issuedAt: unixSeconds(1) },
  },
  price: { perMegabyte: weiPerMegabyte(price), perHour: weiPerHour(0n) },
  standing: { active: true, stake: wei(50n), faults: 0, debt: wei(0n), registeredAt: unixSeconds(1) },
  redeemed: wei(0n),
  latencyMs: more.latencyMs,
  quality: more.quality ?? unknown,
})

const use = { bytes: bytes(10_000_000_000n), seconds: 36_000n }
const order = (offers: Listed[], by: Parameters<typeof sorted>[1]) =>
  sorted(offers, by, use).map(({ proposal }) => proposal.provider.slice(2, 4))

describe('a list of offers', () => {
  const offers = [
    listed('a1', 30n, { latencyMs: 5, quality: { ...unknown, sessions: 1, score: 4, throughputKbps: 10 } }),
    listed('a2', 20n, { quality: { ...unknown, sessions: 1, score: 4, throughputKbps: 900 } }),
    listed('a3', 10n, { latencyMs: 80 }),
    listed('a4', 40n, { latencyMs: 5, country: 'FR', quality: { ...unknown, sessions: 2, score: 5 } }),
  ]

  it('comes in the order asked for; what does not answer, and what nobody knows, last', () => {
    expect(order(offers, 'price')).toEqual(['a3', 'a2', 'a1', 'a4'])
    expect(order(offers, 'latency')).toEqual(['a1', 'a4', 'a3', 'a2'])
    expect(order(offers, 'quality')).toEqual(['a4', 'a2', 'a1', 'a3'])
  })

  it('is narrowed by country and by both prices', () => {
    const dear: Listed = {
      ...listed('a5', 10n),
      price: { perMegabyte: weiPerMegabyte(10n), perHour: weiPerHour(9n) },
    }
    const left = wanted([...offers, dear], {
      country: 'de',
      maxPrice: { perMegabyte: weiPerMegabyte(20n), perHour: weiPerHour(8n) },
    })
    expect(left.map(({ proposal }) => proposal.provider)).toEqual([who('a2'), who('a3')])
  })

  it('tells what traffic costs, begun megabytes whole, and what the time costs', () => {
    const price = { perMegabyte: weiPerMegabyte(7n), perHour: weiPerHour(100n) }
    const expected = { bytes: bytes(2_000_000_001n), seconds: 5_400n }
    expect(costOf(expected, price)).toEqual({ traffic: 14_007n, time: 150n })
  })
})

describe('what one’s own receipts say', () => {
  const receipt = (spent: bigint, throughputKbps: number, score: number): StoredReceipt => ({
    ...{
      provider: who('a1'),
      channelId: noKey,
      amount: wei(spent),
      bytes: 1,
      throughputKbps,
      score,
      endedAt: unixSeconds(1),
    },
    ...{
      signature: '0x',
      downBytes: 1,
      upBytes: 0,
      promises: 1,
      seconds: 1,
      spent: wei(spent),
      reason: 'user',
    },
  })

  it('is weighted by what was paid, and nothing where nothing was', () => {
    const receipts = [receipt(30n, 100, 5), receipt(10n, 500, 1), receipt(60n, 100, 0), receipt(0n, 9_999, 1)]
    expect(ownQualities(receipts)(who('a1'))).toEqual({
      ...{ sessions: 3, paid: 100n, throughputKbps: expect.closeTo(140), score: expect.closeTo(4) },
    })
    expect(ownQualities(receipts)(who('a2'))).toEqual(unknown)
  })
})
