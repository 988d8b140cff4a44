import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyIp } from '@pontage/shared/node'
import type { Host } from './host.js'
import type { Program } from './program.js'

/** Where a machine stands behind its router. */
export const home = { router: '192.168.9.1', machine: '192.168.9.2' } as const

const table = 'router'

/** Puts a machine behind a router that translates and lets nothing in, as at home. Its own line is cut. */
export async function putBehind(router: Host, machine: Host): Promise<void> {
  await applyIp(
    [
      ['link', 'add', 'dev', 'lan0', 'type', 'veth', 'peer', 'name', 'lan0', 'netns', machine.netns],
      ['address', 'add', `${home.router}/24`, 'dev', 'lan0'],
      ['link', 'set', 'dev', 'lan0', 'up'],
    ],
    { netns: router.netns },
  )
  await applyIp(
    [
      ['link', 'set', 'dev', machine.device, 'down'],
      ['address', 'add', `${home.machine}/24`, 'dev', 'lan0'],
      ['link', 'set', 'dev', 'lan0', 'up'],
      ['route', 'add', 'default', 'via', home.router],
    ],
    { netns: machine.netns },
  )
  await router.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  await router.firewall(`table inet ${table} {
  chain forward {
    type filter hook forward priority filter; policy drop;
    iifname "lan0" accept
    ct state established,related accept
    jump mapped
  }
  chain mapped { }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump mapped_in
  }
  chain mapped_in { }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${router.device}" masquerade
    jump mapped_out
  }
  chain mapped_out { }
}`)
}

/**
 * Starts miniupnpd on the router. It takes documentation addresses for private ones and would refuse its work, so it
 * is told another name for its own address.
 */
export async function offerMapping(router: Host, natPmp: boolean): Promise<Program> {
  const conf = join(router.home, 'miniupnpd.conf')
  const settings = {
    ext_ifname: router.device,
    ext_ip: '9.10.11.12',
    listening_ip: 'lan0',
    enable_natpmp: natPmp ? 'yes' : 'no',
    enable_upnp: 'yes',
    upnp_table_name: table,
    upnp_nat_table_name: table,
    upnp_forward_chain: 'mapped',
    upnp_nat_chain: 'mapped_in',
    upnp_nat_postrouting_chain: 'mapped_out',
    uuid: '0ef134fe-c8a6-431c-bbd2-dd645293ecdb',
    secure_mode: 'yes',
  }
  const rules = ['allow 1024-65535 192.168.9.0/24 1024-65535', 'deny 0-65535 0.0.0.0/0 0-65535']
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  writeFileSync(conf, [...lines, ...rules, ''].join('\n'))
  const program = router.start(['miniupnpd', '-d', '-f', conf, '-P', join(router.home, 'miniupnpd.pid')])
  await program.line(/HTTP listening/)
  return program
}

/** The router's rules about this port. */
export async function mappingsOf(router: Host, port: number): Promise<string[]> {
  const { stdout } = await router.run(['nft', 'list', 'table', 'inet', table])
  return stdout.split('\n').filter((line) => line.includes(`dport ${port} `))
}
