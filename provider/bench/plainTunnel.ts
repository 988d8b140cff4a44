import {
  applyIp,
  bringUp,
  configureWireguard,
  createWireguard,
  deleteWireguard,
  generateWireguardKeys,
} from '@pontage/shared/node'
import type { Host, Market } from '@pontage/test/world'

/** A WireGuard tunnel with nothing of ours: no counting, no limits, no payments. */
export interface PlainTunnel {
  /** Whose packets to the internet's host go through it. */
  readonly host: Host
  remove(): Promise<void>
}

const port = 51_998
/** As large as the tunnel that it is measured against. */
const mtu = 1_440

/** Makes it between two machines of their own; the far one forwards to the internet behind its own address. */
export async function raisePlainTunnel(market: Market): Promise<PlainTunnel> {
  const [host, gate] = [await market.world.addHost('plain'), await market.world.addHost('gate')]
  const [near, far] = [generateWireguardKeys(), generateWireguardKeys()]
  const nearEnd = await createWireguard('plainnear', { netns: host.netns })
  const farEnd = await createWireguard('plainfar', { netns: gate.netns })
  await configureWireguard(farEnd, {
    privateKey: far.privateKey,
    listenPort: port,
    peers: [{ publicKey: near.publicKey, allowedIps: ['10.99.0.2/32'] }],
  })
  await configureWireguard(nearEnd, {
    privateKey: near.privateKey,
    peers: [{ publicKey: far.publicKey, allowedIps: ['0.0.0.0/0'], endpoint: { host: gate.address, port } }],
  })
  await bringUp(farEnd.name, { mtu, addresses: ['10.99.0.1/24'] }, { netns: gate.netns })
  await bringUp(nearEnd.name, { mtu, addresses: ['10.99.0.2/24'] }, { netns: host.netns })
  await gate.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  await gate.firewall(
    `table ip plain {
  chain clamping { type filter hook forward priority filter; tcp flags syn tcp option maxseg size set rt mtu
  }
  chain masquerading { type nat hook postrouting priority srcnat; ip saddr 10.99.0.0/24 masquerade
  }
}`,
  )
  await applyIp([['route', 'add', `${market.internet.host.address}/32`, 'dev', nearEnd.name]], {
    netns: host.netns,
  })
  return {
    host,
    async remove() {
      await deleteWireguard(nearEnd)
      await deleteWireguard(farEnd)
    },
  }
}
