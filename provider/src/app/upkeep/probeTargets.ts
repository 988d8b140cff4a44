import { routeTo } from '@pontage/shared/node'
import type { Surroundings } from '../../io/kernel/firewall.js'
import type { ProbeTarget } from '../../io/kernel/probe.js'

/** Addresses for documentation, one of each family: a packet to them leaves the machine, and nobody misses it. */
const outThere: readonly ProbeTarget[] = [
  { host: '192.0.2.1', port: 9, transport: 'udp' },
  { host: '2001:db8::1', port: 9, transport: 'udp' },
]

/** Where a probe's packets go: out, whatever becomes of them there, and to the resolvers, which answer. */
export async function probeTargets({
  resolver4,
  resolver6,
}: Pick<Surroundings, 'resolver4' | 'resolver6'>): Promise<ProbeTarget[]> {
  const targets = [...outThere]
  for (const host of [resolver4, resolver6]) {
    if (host === undefined) continue
    // One on this machine itself is not beyond its forwarding.
    const route = await routeTo(host)
    if (route && route.device !== 'lo') targets.push({ host, port: 53, transport: 'udp' })
  }
  return targets
}
