import { expect, it } from 'vitest'
import { firstCarrier } from './carrier.js'

it('begins with UDP, with what a network is known to need, or with what its user wants', () => {
  const known = { carrier: 'wss', until: 2_000 } as const
  expect(firstCarrier('auto', undefined, 1_000)).toBe('udp')
  expect(firstCarrier('auto', known, 1_000)).toBe('wss')
  expect(firstCarrier('udp', known, 1_000)).toBe('udp')
  expect(firstCarrier('wss', undefined, 1_000)).toBe('wss')
})

it('tries UDP again in a network when what is known of it is old', () => {
  expect(firstCarrier('auto', { carrier: 'wss', until: 2_000 }, 2_000)).toBe('udp')
})
