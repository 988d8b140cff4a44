import { type Address, address, roles, unixSeconds, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { askedFrom, type Entry, listed, pageOf } from './listing.js'

const provider = (n: number): Address => address(`0x${String(n).padStart(40, '0')}`)
const entry = (n: number, price: bigint, standing: Partial<Entry['standing']> = {}): Entry => ({
  proposal: {
    provider: provider(n),
    service: 'wireguard',
    pricePerMegabyte: weiPerMegabyte(price),
    pricePerHour: weiPerHour(0n),
    country: 'DE',
    endpoint: 'x:1',
    wireguardKey: '0x',
    certificate: '0x',
    exitPolicy: '',
    hubs: [],
    issuedAt: unixSeconds(1),
    signature: '0x',
  },
  effectiveAt: 1,
  published: { blockNumber: 1, blockHash: '0x', transaction: '0x', logIndex: 0 },
  standing: {
    activeRoles: roles.provider,
    stake: wei(1n),
    unbonding: wei(0n),
    faults: 0,
    debt: wei(0n),
    registeredAt: 1,
    beneficiary: provider(n),
    ...standing,
  },
})
const names = (entries: readonly Entry[]) => entries.map(({ proposal }) => Number(proposal.provider))

describe('a listing', () => {
  it('has the cheapest first, and the same order every time', () => {
    expect(names(listed([entry(3, 5n), entry(2, 5n), entry(1, 9n), entry(4, 1n)]))).toEqual([4, 2, 3, 1])
  })

  it('leaves out who has a debt, and who has not the stake of a provider', () => {
    const entries = [
      entry(1, 1n, { debt: wei(1n) }),
      entry(2, 1n, { activeRoles: roles.consumer }),
      entry(3, 1n),
    ]
    expect(names(listed(entries))).toEqual([3])
  })

  it.each([
    ['an escape sequence in its country', { country: 'DE\u001b[2A' }],
    ['a country in small letters', { country: 'de' }],
    ['an escape sequence in its endpoint', { endpoint: '\u001b[2K192.0.2.1:1' }],
    ['a line end in its exit policy', { exitPolicy: 'all\n0xabc FR 1 PTT/GB' }],
    ['an endpoint of 600 characters', { endpoint: 'x'.repeat(600) }],
    ['65 hubs', { hubs: Array.from({ length: 65 }, (_, n) => provider(n)) }],
  ])('leaves out an offer with %s', (_what, words) => {
    const hostile = entry(1, 1n)
    expect(
      names(listed([{ ...hostile, proposal: { ...hostile.proposal, ...words } }, entry(2, 2n)])),
    ).toEqual([2])
  })

  const page = (asked: Parameters<typeof pageOf>[1], maxBytes = 1_000) =>
    pageOf(
      listed([entry(1, 5n), entry(2, 5n), entry(3, 7n), entry(4, 1n)]),
      asked,
      ({ proposal }) => Number(proposal.provider),
      () => 10,
      maxBytes,
    )

  it('is read page by page, and what goes or comes in between disturbs nothing', () => {
    expect(page({})).toEqual({ page: [4, 1, 2, 3], next: undefined })
    const first = page({ limit: 2 })
    expect(first).toEqual({ page: [4, 1], next: `5-${provider(1)}` })
    expect(page({ limit: 2, cursor: first.next })).toEqual({ page: [2, 3], next: undefined })
    // The place stays when nobody stands on it any more.
    expect(page({ cursor: `5-0x${'0'.repeat(39)}0` }).page).toEqual([1, 2, 3])
    expect(page({ country: 'FR' }).page).toEqual([])
    expect(page({ country: 'de', maxPrice: weiPerMegabyte(5n), limit: 1 })).toEqual({
      page: [4],
      next: `1-${provider(4)}`,
    })
  })

  it('fits into a frame, but always goes on', () => {
    expect(page({}, 25)).toEqual({ page: [4, 1], next: `5-${provider(1)}` })
    expect(page({}, 5)).toEqual({ page: [4], next: `1-${provider(4)}` })
  })

  it.each([
    ['', {}],
    ['country=de', { country: 'de' }],
    ['limit=2&maxPrice=12', { limit: 2, maxPrice: 12n }],
  ])('reads "%s"', (query, asked) => {
    expect(askedFrom(new URLSearchParams(query))).toEqual({ ok: true, asked })
  })

  it.each([
    'country=DEU',
    'country=',
    'country=D1',
    'country=DE&country=FR',
    'land=DE',
    'limit=0',
    'limit=101',
    'limit=x',
    'maxPrice=-1',
    'cursor=5',
    '__proto__=1',
  ])('refuses "%s"', (query) => {
    expect(askedFrom(new URLSearchParams(query))).toMatchObject({ refusal: { code: 'malformed-message' } })
  })
})
