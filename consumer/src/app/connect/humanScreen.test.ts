import { address, bytes, wei, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import { expect, it } from 'vitest'
import type { Offer } from '../../core/choose.js'
import { humanScreen } from './humanScreen.js'
import type { Screen } from './screen.js'

type Tunnel = Parameters<Screen['connected']>[0]
type Chosen = Parameters<Screen['chosen']>[0]

const provider = address(`0x${'a1'.repeat(20)}`)
const price = { perMegabyte: weiPerMegabyte(5n * 10n ** 13n), perHour: weiPerHour(0n) }
const offer = {
  proposal: { provider, country: 'NL' },
  price,
  standing: { stake: wei(10n ** 18n), faults: 1, debt: wei(0n) },
} as unknown as Offer
const tunnel = {
  ...{ provider, country: 'NL', price, netns: undefined, limit: bytes(5_000_000n), wireguard: 'kernel' },
  ...{ carrier: 'udp', postQuantum: true },
} as unknown as Tunnel

/** What a person reads. */
function shown(tell: (screen: Screen) => void): string {
  const said: string[] = []
  tell(humanScreen((text) => said.push(text), { decimals: 18, symbol: 'PTT' }, undefined))
  return said.join('')
}
const chosen = (more: Partial<Chosen>, isNamed = false) =>
  shown((screen) =>
    screen.chosen(
      { chosen: { offer, hub: provider }, others: [], unfit: [], ...more },
      { amount: wei(10n ** 18n), because: 'budget' },
      isNamed,
    ),
  )

it('calls the cheapest what is the cheapest, and a named provider what it is', () => {
  expect(chosen({})).toContain('stake 1 PTT, 1 fault  chosen: the cheapest that fits\n')
  const named = chosen({ unfit: [{ offer, reason: 'a different one was chosen' }] }, true)
  expect(named).toContain('chosen: the one you named\n')
  expect(named).not.toContain('Other offers')
})

it('counts other offers, and none that are not there', () => {
  expect(chosen({ others: [offer] })).toContain('Other offers: 1 suitable; -v shows them.\n')
  const unfit = [{ offer, reason: 'it is in NL' }]
  expect(chosen({ others: [offer, offer], unfit })).toContain('Other offers: 2 suitable, 1 not suitable; -v')
})

it('says after how much traffic stops where that is what the user wanted, and not where a guarantee is raised on the way', () => {
  const connected = (limitedBy: Tunnel['limitedBy']) =>
    shown((screen) => screen.connected({ ...tunnel, limitedBy }))
  expect(connected('cap')).toContain('Traffic stops after 5.00 MB. Press Ctrl-C to disconnect.\n')
  expect(connected('budget')).toContain('Traffic stops after 5.00 MB.')
  expect(connected('ceiling')).toMatch(/The kill switch is on\.\nPress Ctrl-C to disconnect\.\n$/)
})
