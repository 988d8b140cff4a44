import {
  applyIp,
  bringUp,
  configureWireguard,
  createWireguard,
  deleteWireguard,
  generateWireguardKeys,
} from '@pontage/shared/node'
import type { Host, Market } from '@pontage/test/world'

/** A WireGuard tunnel without any program of ours: no limits, no payments, and at first no firewall. */
export interface PlainTunnel {
  /** Whose packets to the internet's host go through it. */
  readonly host: Host
  /** Gives it the firewalls and the MTU of a session that stands, so that only paying sets them apart. */
  dressAs(session: { readonly consumer: Host; readonly provider: Host }): Promise<void>
  remove(): Promise<void>
}

const port = 51_998
const mtu = 1_280
/** A quota that nothing reaches. */
const unlimited = '4000000 mbytes'
// As the first session of a provider has them, in namespaces of its own: its rules hold here, too.
const [nearAddress, farAddress] = ['10.86.0.2', '10.86.0.1']

/** Makes it between two machines of their own; the far one forwards to the internet behind its own address. */
export async function raisePlainTunnel(market: Market): Promise<PlainTunnel> {
  const [host, gate] = [await market.world.addHost('plain'), await market.world.addHost('gate')]
  const [near, far] = [generateWireguardKeys(), generateWireguardKeys()]
  const nearEnd = await createWireguard('plainnear', { netns: host.netns })
  const farEnd = await createWireguard('plainfar', { netns: gate.netns })
  await configureWireguard(farEnd, {
    privateKey: far.privateKey,
    listenPort: port,
    peers: [{ publicKey: near.publicKey, allowedIps: [`${nearAddress}/32`] }],
  })
  const configureNear = (fwmark: number) =>
    configureWireguard(nearEnd, {
      privateKey: near.privateKey,
      fwmark,
      peers: [
        { publicKey: far.publicKey, allowedIps: ['0.0.0.0/0'], endpoint: { host: gate.address, port } },
      ],
    })
  await configureNear(0)
  await bringUp(farEnd.name, { mtu, addresses: [`${farAddress}/24`] }, { netns: gate.netns })
  await bringUp(nearEnd.name, { mtu, addresses: [`${nearAddress}/24`] }, { netns: host.netns })
  await gate.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  await gate.firewall(
    `table ip plain {
  chain clamping { type filter hook forward priority filter; tcp flags syn tcp option maxseg size set rt mtu
  }
  chain masquerading { type nat hook postrouting priority srcnat; ip saddr ${nearAddress} masquerade
  }
}`,
  )
  await applyIp([['route', 'add', `${market.internet.host.address}/32`, 'dev', nearEnd.name]], {
    netns: host.netns,
  })
  return {
    host,
    async dressAs({ consumer, provider }) {
      const [inside, outside] = [await tunnelOf(consumer), await tunnelOf(provider)]
      const rules = await tableOf(consumer)
      const [, marked, from, to] = /meta mark (\S+) ip daddr (\S+) udp dport (\d+)/.exec(rules) ?? []
      if (marked === undefined || from !== provider.address)
        throw new Error('The firewall of the consumer is not as expected.')
      await host.firewall(
        rules
          .replaceAll(`"${inside.name}"`, `"${nearEnd.name}"`)
          .replaceAll(provider.address, gate.address)
          .replaceAll(new RegExp(`udp ([sd])port ${to}\\b`, 'g'), `udp $1port ${port}`),
      )
      await configureNear(Number(marked))
      await gate.run(['nft', 'delete', 'table', 'ip', 'plain'])
      await gate.firewall(
        (await tableOf(provider))
          .replaceAll(`"${outside.name}"`, `"${farEnd.name}"`)
          .replaceAll(/^\s*over .+$/gm, `over ${unlimited}`),
      )
      for (const [end, where, like] of [
        [nearEnd, host, inside],
        [farEnd, gate, outside],
      ] as const)
        await applyIp([['link', 'set', 'dev', end.name, 'mtu', String(like.mtu)]], { netns: where.netns })
    },
    async remove() {
      await deleteWireguard(nearEnd)
      await deleteWireguard(farEnd)
    },
  }
}

/** The one table of ours on a machine, as nft would take it again. */
async function tableOf(host: Host): Promise<string> {
  const { stdout } = await host.run(['nft', 'list', 'ruleset'])
  return stdout
}

async function tunnelOf(host: Host): Promise<{ name: string; mtu: number }> {
  const { stdout } = await host.run(['ip', '-json', 'link'])
  const links = JSON.parse(stdout) as { ifname: string; mtu: number }[]
  const tunnel = links.find(({ ifname }) => ifname !== 'lo' && ifname !== host.device)
  if (tunnel === undefined) throw new Error(`${host.name} has no tunnel.`)
  return { name: tunnel.ifname, mtu: tunnel.mtu }
}
