import { expect, it } from 'vitest'
import { firstCarrier } from './carrier.js'

it('begins with UDP, with what a network is known to need, or with what its user wants', () => {
  const known = { carrier: 'wss', until: 2_000 } as const
  expect(firstCarrier('auto', undefined, false, 1_000)).toBe('udp')
  expect(firstCarrier('auto', known, false, 1_000)).toBe('wss')
  expect(firstCarrier('udp', known, false, 1_000)).toBe('udp')
  expect(firstCarrier('wss', undefined, false, 1_000)).toBe('wss')
})

it('begins with wss where this machine itself loses packets, whatever is known of the network', () => {
  expect(firstCarrier('auto', undefined, true, 1_000)).toBe('wss')
  expect(firstCarrier('auto', { carrier: 'udp', until: 2_000 }, true, 1_000)).toBe('wss')
  expect(firstCarrier('udp', undefined, true, 1_000)).toBe('udp')
})

it('tries UDP again in a network when what is known of it is old', () => {
  expect(firstCarrier('auto', { carrier: 'wss', until: 2_000 }, false, 2_000)).toBe('udp')
})
