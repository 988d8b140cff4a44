import { type Address, address, roles, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { countryOf, type Entry, listed } from './listing.js'

const provider = (n: number): Address => address(`0x${String(n).padStart(40, '0')}`)
const entry = (n: number, price: bigint, standing: Partial<Entry['standing']> = {}): Entry => ({
  proposal: {
    provider: provider(n),
    service: 'wireguard',
    pricePerMegabyte: price,
    pricePerHour: 0n,
    country: 'DE',
    endpoint: 'x:1',
    wireguardKey: '0x',
    certificate: '0x',
    exitPolicy: '',
    hubs: [],
    issuedAt: 1,
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
    ['', undefined],
    ['country=de', 'DE'],
  ])('reads "%s"', (query, country) => {
    expect(countryOf(new URLSearchParams(query))).toEqual({ ok: true, country })
  })

  it.each(['country=DEU', 'country=', 'country=D1', 'country=DE&country=FR', 'land=DE'])(
    'refuses "%s"',
    (query) => {
      expect(countryOf(new URLSearchParams(query))).toMatchObject({ refusal: { code: 'malformed-message' } })
    },
  )
})
