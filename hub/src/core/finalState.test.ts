import { address, type Hex, wei } from '@pontage/shared'
import { describe, expect, it } from 'vitest'
import { type ChannelLine, emptyTab } from './channelLine.js'
import { finalTotals, judgeFinal } from './finalState.js'

const [first, second] = [address(`0x${'1'.repeat(40)}`), address(`0x${'2'.repeat(40)}`)]
const line = (more: Partial<ChannelLine> = {}): ChannelLine => ({
  channelId: `0x${'ab'.repeat(32)}` as Hex,
  consumer: address(`0x${'9'.repeat(40)}`),
  nonce: 1,
  status: 'open',
  balance: wei(100n),
  exitAt: 0,
  closing: false,
  tabs: [
    { ...emptyTab(second), cleared: wei(30n), drawn: wei(10n) },
    { ...emptyTab(first), cleared: wei(20n), ceiling: wei(50n), liveCeiling: wei(50n), expiresAt: 700 },
  ],
  ...more,
})
const totals = finalTotals(line())
const release = { provider: first, amount: wei(20n), upTo: 700 }

describe('a final state', () => {
  it('carries what was cleared, in the order of the addresses', () => {
    expect(totals).toEqual([
      { provider: first, amount: 20n },
      { provider: second, amount: 30n },
    ])
  })

  it('is signed once every holder of a live guarantee gave it up', () => {
    expect(judgeFinal(line(), totals, [release])).toEqual({ ok: true })
  })

  it.each([
    ['without the release', []],
    ['with a release of older guarantees only', [{ ...release, upTo: 699 }]],
  ])('is delayed %s', (_name, releases) => {
    expect(judgeFinal(line(), totals, releases)).toMatchObject({
      refusal: { code: 'close-delayed', provider: first, until: 700 },
    })
  })

  it.each([
    ['pays less than was cleared', [{ provider: first, amount: wei(19n) }, totals[1]]],
    ['pays more than was cleared', [{ provider: first, amount: wei(21n) }, totals[1]]],
    ['leaves a provider out', [totals[0]]],
    ['names a provider twice', [...totals, totals[0]]],
    ['pays a stranger', [...totals, { provider: address(`0x${'3'.repeat(40)}`), amount: wei(1n) }]],
  ])('is refused when it %s', (_name, wrong) => {
    expect(judgeFinal(line(), wrong as typeof totals, [release])).toMatchObject({
      refusal: { code: 'unequal-totals' },
    })
  })

  it('is refused when a provider releases at more than it cleared', () => {
    expect(judgeFinal(line(), totals, [{ ...release, amount: wei(21n) }])).toMatchObject({
      refusal: { code: 'unequal-totals' },
    })
  })

  it('is refused when the channel does not hold it, or another was signed', () => {
    expect(judgeFinal(line({ balance: wei(39n) }), totals, [release])).toMatchObject({
      refusal: { code: 'insufficient-collateral' },
    })
    expect(judgeFinal(line({ closing: true }), totals, [release])).toMatchObject({
      refusal: { code: 'channel-closing' },
    })
  })
})
