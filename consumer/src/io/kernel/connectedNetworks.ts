import { runCommand } from '@pontage/shared/node'
import type { Network } from '../../core/network.js'

/** The networks that this machine is part of, the loopback aside. */
export async function connectedNetworks(): Promise<Network[]> {
  const { stdout } = await runCommand(['ip', '-json', 'address', 'show'])
  const links = JSON.parse(stdout || '[]') as {
    ifname?: string
    addr_info?: { local?: string; prefixlen?: number }[]
  }[]
  return links
    .filter(({ ifname }) => ifname !== 'lo')
    .flatMap(({ addr_info: addresses = [] }) => addresses)
    .flatMap(({ local, prefixlen }) =>
      local === undefined || prefixlen === undefined ? [] : [{ address: local, prefix: prefixlen }],
    )
}
