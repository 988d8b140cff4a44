import {
  type Closers,
  type Handlers,
  type Listening,
  UserError,
  type WireguardKeyPair,
} from '@pontage/shared/node'
import type { AddressPool } from '../../core/addressPool.js'
import { parseRange } from '../../core/addressRange.js'
import { parseExitPolicy } from '../../core/exitPolicy.js'
import type { Firewall, Surroundings } from '../../io/kernel/firewall.js'
import { type Machine, prepareMachine } from '../../io/kernel/machine.js'
import type { planNetwork } from '../offer/planNetwork.js'
import type { Settings } from '../settings.js'

/** Tunnel interface, rules and the payment socket inside: all that stands between consumers and the internet. */
export interface Tunnels {
  readonly machine: Machine
  readonly firewall: Firewall
  /** The payment socket inside. */
  readonly inside: Listening
  readonly paymentPort: number
}

/** Opens a socket for consumers. */
export type ListenFor = (host: string, port: number, accept: () => Handlers) => Promise<Listening>

/**
 * Makes the tunnel interface, opens the payment socket on the gateway's address, and puts the rules in place. Nothing is
 * forwarded before, and nobody can reach the socket who has no tunnel.
 *
 * @param earlierPort - Where consumers of an earlier run know the payment socket; zero for any.
 * @throws UserError when the rights are missing or a port is taken.
 */
export async function raiseTunnels(
  settings: Settings,
  place: {
    readonly network: Awaited<ReturnType<typeof planNetwork>> & Pick<Surroundings, 'outer'>
    readonly keys: WireguardKeyPair
    readonly pool: AddressPool
    readonly earlierPort: number
  },
  listen: ListenFor,
  accept: () => Handlers,
  closers: Closers,
): Promise<Tunnels> {
  const { gateway, first: consumer } = place.pool
  const { subnet4, subnet6 } = settings
  const machine = await prepareMachine({
    ...place.network,
    home: settings.home,
    keys: place.keys,
    wireguardPort: settings.wireguardPort,
    gateway,
    consumer,
    subnet4,
    subnet6,
    bits: { four: bitsOf(subnet4), six: bitsOf(subnet6) },
    policy: parseExitPolicy(settings.exitPolicy),
  })
  closers.add('the machine', async () => {
    const { left } = await machine.restore()
    if (left.length > 0) throw new UserError(left.join(' '))
  })
  // Its own socket on the gateway's address: only consumers reach it, and its port is free for sure.
  const inside = await listen(gateway.address4, place.earlierPort, accept).catch((error: unknown) => {
    if (place.earlierPort === 0) throw error
    return listen(gateway.address4, 0, accept)
  })
  closers.opened('the payment socket', inside)
  const firewall = await machine.raise(inside.port)
  await firewall.limit(settings.limits)
  return { machine, firewall, inside, paymentPort: inside.port }
}

const bitsOf = (subnet: string): number => parseRange(subnet)?.bits ?? 0
