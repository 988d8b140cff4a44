import { expect, it, vi } from 'vitest'
import type { Components } from '../components.js'
import type { Settings } from '../settings.js'
import { Upkeep } from './upkeep.js'

vi.mock('../offer/planNetwork.js', () => ({ planNetwork: async () => network }))
const network = {
  uplink: 'eth0',
  resolver4: '192.0.2.1',
  resolver6: undefined,
  ownNetworks6: [],
  devices: [],
}

it('says to whoever asks that packets could not be sent through, which keeps nothing from passing', async () => {
  const log = { debug() {}, info() {}, warn() {}, error: vi.fn() }
  const clock = { elapsedMs: () => 0 }
  const upkeep = new Upkeep(
    { log, clock } as unknown as Components,
    {} as Settings,
    {
      machine: {
        ...{ keepForwarding: async () => [], keepTunnel: async () => [] },
        ...{ others: async () => ({ chains: [] }), waysOut: async () => ({ four: 'eth0', six: undefined }) },
      },
      firewall: { probe: async () => 'No namespace could be made for it (Operation not permitted).' },
      ...{ sessions: { keepRules: async () => {} }, outer: { now: async () => [] } },
    } as unknown as ConstructorParameters<typeof Upkeep>[2],
    network as unknown as ConstructorParameters<typeof Upkeep>[3],
  )
  expect(await upkeep.look(true)).toEqual([
    'Not tried. No namespace could be made for it (Operation not permitted).',
  ])
  expect(upkeep.faults()).toEqual([])
  expect(log.error).not.toHaveBeenCalled()
  await upkeep.stop()
})
