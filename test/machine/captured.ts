import type { Host } from '../world/index.js'
import type { Machine } from './machine.js'

/** What keeps the link alive, and tells nobody beyond the router. */
export const plumbing = 'arp or (icmp6 and (ip6[40] == 133 or ip6[40] == 135 or ip6[40] == 136))'

/** What goes to a tunnel's other end. */
export const toProvider = ({ address }: Host): string =>
  `(dst host ${address} and (tcp dst port 7800 or udp dst port 51820))`

/** What leaves a machine past the tunnel to a provider while something happens, each packet as tcpdump prints it. */
export async function leakedWhile(
  machine: Machine,
  provider: Host,
  happens: () => Promise<unknown>,
): Promise<string[]> {
  const leaked = () => machine.sent(`not (${plumbing} or ${toProvider(provider)})`)
  const before = (await leaked()).length
  await happens()
  return (await leaked()).slice(before)
}

/** Lets something in the machine talk to the internet all the time, from now on; at boot, too, once that is enabled. */
export const prepareNoise = (machine: Machine, { address, address6 }: Host): Promise<string> =>
  machine.run(`printf 'ADDRESS4=%s\\nADDRESS6=%s\\n' ${address} ${address6} >/etc/machine-noise`)
