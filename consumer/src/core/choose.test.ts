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
import { choose, type Offer, whyNoneFits } from './choose.js'

const who = (byte: string): Address => address(`0x${byte.repeat(20)}`)
const hub = who('b1')
const noKey = `0x${'00'.repeat(32)}` as Hex

const offer = (
  byte: string,
  price: bigint,
  more: { country?: string; hubs?: Address[]; service?: string; standing?: Partial<Offer['standing']> } = {},
): Offer => ({
  proposal: {
    provider: who(byte),
    service: more.service ?? 'wireguard',
    pricePerMegabyte: weiPerMegabyte(price),
    pricePerHour: weiPerHour(0n),
    country: more.country ?? 'DE',
    endpoint: 'vpn.example:7443',
    wireguardKey: noKey,
    certificate: noKey,
    exitPolicy: '',
    hubs: more.hubs ?? [hub],
    issuedAt: unixSeconds(1),
  },
  price: { perMegabyte: weiPerMegabyte(price), perHour: weiPerHour(0n) },
  standing: {
    active: true,
    stake: wei(50n),
    faults: 0,
    debt: wei(0n),
    registeredAt: unixSeconds(1),
    ...more.standing,
  },
})

const use = { bytes: bytes(10_000_000_000n), seconds: 36_000n }

const reasons = (offers: Offer[], wishes = {}) =>
  choose(offers, wishes, [hub], use).unfit.map(({ reason }) => reason)

describe('choosing a provider', () => {
  it('takes the cheapest, whatever the order', () => {
    const choice = choose([offer('a1', 80n), offer('a2', 50n), offer('a3', 60n)], {}, [hub], use)
    expect(choice.chosen?.offer.proposal.provider).toBe(who('a2'))
    expect(choice.others.map(({ proposal }) => proposal.provider)).toEqual([who('a3'), who('a1')])
  })

  it('prefers more stake at the same price', () => {
    const rich = offer('a2', 50n, { standing: { stake: wei(99n) } })
    expect(choose([offer('a1', 50n), rich], {}, [hub], use).chosen?.offer).toBe(rich)
  })

  it('passes over faults, debt and missing stake, and says so', () => {
    expect(
      reasons([
        offer('a1', 1n, { standing: { faults: 2 } }),
        offer('a2', 1n, { standing: { debt: wei(1n) } }),
        offer('a3', 1n, { standing: { active: false } }),
      ]),
    ).toEqual([
      'it has 2 faults on chain',
      'it is in debt for a promise it did not keep',
      'its stake is below the minimum',
    ])
  })

  const hourly = (byte: string, price: bigint, perHour: bigint): Offer => ({
    ...offer(byte, price),
    price: { perMegabyte: weiPerMegabyte(price), perHour: weiPerHour(perHour) },
  })

  it('pays nobody for time unless the user named a price for it', () => {
    const offers = [hourly('a1', 29n, 1_000_000n), offer('a2', 30n)]
    const choice = choose(offers, {}, [hub], use)
    expect(choice.chosen?.offer.proposal.provider).toBe(who('a2'))
    expect(choice.others).toEqual([])
    expect(choice.unfit.map(({ reason }) => reason)).toEqual([
      'it charges by the hour, which is refused unless --max-price allows it, such as 0.01/h',
    ])
  })

  it('compares offers by what the expected use costs, traffic and time together', () => {
    const offers = [hourly('a1', 29n, 10_001n), hourly('a2', 30n, 0n)]
    const wishes = { maxPrice: { perHour: weiPerHour(10_001n) } }
    const chosen = (hours: bigint) =>
      choose(offers, wishes, [hub], { ...use, seconds: hours * 3_600n }).chosen?.offer.proposal.provider
    // 10 GB cost 10,000 more with the second, one hour 10,001 with the first.
    expect([chosen(0n), chosen(1n), chosen(2n)]).toEqual([who('a1'), who('a2'), who('a2')])
  })

  it('keeps to the wishes', () => {
    const offers = [offer('a1', 50n, { country: 'NL' }), offer('a2', 90n), offer('a3', 70n)]
    const choice = choose(
      offers,
      { country: 'de', maxPrice: { perMegabyte: weiPerMegabyte(80n) } },
      [hub],
      use,
    )
    expect(choice.chosen?.offer.proposal.provider).toBe(who('a3'))
    expect(choice.unfit.map(({ reason }) => reason)).toEqual(['it is in NL', 'it is above the price limit'])
  })

  it('pays through the preferred of the hubs that the provider takes', () => {
    const second = who('b2')
    const chosen = choose(
      [offer('a1', 1n, { hubs: [second, hub] })],
      {},
      [who('b3'), hub, second],
      use,
    ).chosen
    expect(chosen?.hub).toBe(hub)
    expect(reasons([offer('a1', 1n, { hubs: [second] })])).toEqual([
      'it accepts none of the hubs we can pay through',
    ])
  })

  it('takes the one that was named, or nobody', () => {
    const offers = [offer('a1', 1n), offer('a2', 9n)]
    expect(choose(offers, { provider: who('a2') }, [hub], use).chosen?.offer).toBe(offers[1])
    expect(choose(offers, { provider: who('a9') }, [hub], use).chosen).toBeUndefined()
  })

  it('does not take a service that is no tunnel', () => {
    expect(reasons([offer('a1', 1n, { service: 'storage' })])).toEqual(['it sells "storage"'])
  })
})

it('says why nobody fits in a sentence that does not grow with the market', () => {
  const unfit = ['a1', 'a2', 'a3', 'a4'].map((byte, index) => ({
    offer: offer(byte, 50n),
    reason: index === 0 ? 'it is in NL' : 'it is above the price limit',
  }))
  expect(whyNoneFits([])).toBe('There is no provider.')
  expect(whyNoneFits(unfit.slice(0, 1))).toBe(
    `The only provider is not suitable (${who('a1')}: it is in NL).`,
  )
  expect(whyNoneFits(unfit.slice(0, 2))).toBe(
    `None of the 2 providers is suitable (${who('a1')}: it is in NL; ${who('a2')}: it is above the price limit).`,
  )
  expect(whyNoneFits(unfit)).toBe(
    'None of the 4 providers is suitable (1 of them: it is in NL; 3 of them: it is above the price limit).',
  )
})
