import type { Host } from './host.js'

/** Everything that a connection changes: rules, routes, firewall, interfaces, the one kernel setting, the resolver. */
export async function machineState(host: Host, ...more: readonly string[]): Promise<string> {
  const parts = [
    'ip rule; ip -6 rule',
    'ip route show table all; ip -6 route show table all',
    'nft list ruleset',
    'cat /proc/sys/net/ipv4/conf/all/src_valid_mark',
    'ip -brief address',
    'cat /etc/resolv.conf',
    ...more,
  ]
  return (await host.run(['bash', '-c', parts.join('; ')])).stdout
}
