import { readFile } from 'node:fs/promises'
import { tunnelMtuOver } from '@pontage/shared'
import {
  addWireguardPeer,
  applyIp,
  bringUp,
  CommandFailed,
  configureWireguard,
  createWireguard,
  deleteWireguard,
  linkExists,
  linkMtu,
  readWireguard,
  removeWireguardPeer,
  routeTo,
  UserError,
  uniqueInterfaceName,
  type WireguardEndpoint,
  type WireguardInterface,
  type WireguardKey,
  type WireguardKeyPair,
} from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import type { Reading } from '../../core/meter.js'
import type { Heard } from '../../core/presence.js'
import { dropFirewall, type Firewall, type FirewallPlan, raiseFirewall, readLeftTable } from './firewall.js'
import { enableForwarding, readForwarding, restoreSettings } from './forwarding.js'
import { readBootId, readMachineRecord, removeMachineRecord, writeMachineRecord } from './machineRecord.js'

/** What the tunnels of one daemon need of the machine. */
export interface MachinePlan
  extends Omit<FirewallPlan, 'table' | 'tunnel' | 'paymentPort' | 'forwardsAlready4' | 'forwardsAlready6'> {
  /** Where to write down what is changed. */
  readonly home: string
  readonly keys: WireguardKeyPair
  readonly wireguardPort: number
  /** Prefix lengths of the subnets. */
  readonly bits: { readonly four: number; readonly six: number }
  /** Devices, besides the tunnel, through which packets come back. */
  readonly devices: readonly string[]
}

/** A consumer's end of its tunnel. */
export interface Peer {
  readonly wireguardKey: WireguardKey
  readonly presharedKey: WireguardKey
  /** Where it was last heard from: then it is called, and need not notice by itself that the tunnel is a new one. */
  readonly endpoint?: WireguardEndpoint | undefined
}

/** How often a consumer that is called is called again, in seconds. */
const callEverySeconds = 25

/** The machine while it serves: one interface, one table. */
export interface Machine {
  readonly tunnel: WireguardInterface
  /** The largest packet that the tunnel takes: as large as the uplink bears. */
  readonly mtu: number
  /** Identity of the machine's present run. */
  readonly bootId: string
  /** Puts the rules in place; nothing is forwarded before. */
  raise(paymentPort: number): Promise<Firewall>
  /** Adds a consumer's end. */
  addPeer(peer: Peer, addresses: TunnelAddresses): Promise<void>
  removePeer(publicKey: WireguardKey): Promise<void>
  /**
   * Sends a consumer no larger packets than its path takes, by what it found and by what our own kernel knows.
   * @returns The MTU towards it from now on.
   */
  fitPath(publicKey: WireguardKey, addresses: TunnelAddresses, found: number): Promise<number>
  /** What WireGuard knows of each peer. */
  heard(): Promise<ReadonlyMap<WireguardKey, Heard>>
  /** Whether the tunnel interface is still there: with a userspace WireGuard it dies with a process. */
  isAlive(): Promise<boolean>
  /** Puts everything back as it was. */
  restore(): Promise<void>
}

/**
 * Makes the tunnel interface. What a crash left behind must have been undone before.
 *
 * @throws UserError when the rights are missing or the port is taken.
 */
export async function prepareMachine(plan: MachinePlan): Promise<Machine> {
  if (process.geteuid?.() !== 0)
    throw new UserError(
      'Serving needs root, for the tunnel and the firewall. Run it with sudo or as a service.',
    )
  const name = uniqueInterfaceName()
  const table = `pontage_${name}`
  const mtu = tunnelMtuOver(await linkMtu(plan.uplink), 4)
  const forwarding = await readForwarding(plan.devices)
  const bootId = await readBootId()
  const note = (kind: WireguardInterface['kind']) =>
    writeMachineRecord(plan.home, { bootId, tunnel: { name, kind }, table, settings: forwarding.settings })
  // Until it is known which kind it became, the one that takes more to remove is noted.
  await note('userspace')
  const tunnel = await createWireguard(name)
  try {
    await note(tunnel.kind)
    await configureTunnel(tunnel, plan, mtu)
  } catch (error) {
    await undo(plan.home)
    throw error
  }
  const narrowed = new Map<WireguardKey, TunnelAddresses>()
  /** A route of its own for each consumer whose path takes less than the tunnel. */
  const route = async (
    verb: 'replace' | 'delete',
    { address4, address6 }: TunnelAddresses,
    limit?: number,
  ) => {
    const words = ['dev', name, ...(limit === undefined ? [] : ['mtu', String(limit)])]
    await applyIp([
      ['route', verb, `${address4}/32`, ...words],
      ...((await hasIpv6()) ? [['route', verb, `${address6}/128`, ...words]] : []),
    ])
  }
  const widen = async (publicKey: WireguardKey) => {
    const addresses = narrowed.get(publicKey)
    narrowed.delete(publicKey)
    if (addresses) await route('delete', addresses)
  }
  return {
    tunnel,
    mtu,
    bootId,
    async raise(paymentPort) {
      const firewall = await raiseFirewall({
        ...plan,
        table,
        tunnel: name,
        paymentPort,
        forwardsAlready4: forwarding.forwards4,
        forwardsAlready6: forwarding.forwards6,
      })
      // Last: with the rules standing nothing passes that should not.
      await enableForwarding([name, ...plan.devices], forwarding)
      return firewall
    },
    addPeer: ({ wireguardKey, presharedKey, endpoint }, { address4, address6 }) =>
      addWireguardPeer(tunnel, {
        publicKey: wireguardKey,
        presharedKey,
        allowedIps: [`${address4}/32`, `${address6}/128`],
        ...(endpoint === undefined ? {} : { endpoint, keepaliveSeconds: callEverySeconds }),
      }),
    async removePeer(publicKey) {
      await widen(publicKey)
      await removeWireguardPeer(tunnel, publicKey)
    },
    async fitPath(publicKey, addresses, found) {
      const { endpoint } =
        (await readWireguard(tunnel)).peers.find((peer) => peer.publicKey === publicKey) ?? {}
      const path = endpoint && (await routeTo(endpoint.host))
      const known = path === undefined ? mtu : tunnelMtuOver(path.mtu, endpoint?.host.includes(':') ? 6 : 4)
      const fits = Math.min(mtu, known, found)
      if (fits === mtu) await widen(publicKey)
      else {
        narrowed.set(publicKey, addresses)
        await route('replace', addresses, fits)
      }
      return fits
    },
    heard: async () =>
      new Map(
        (await readWireguard(tunnel)).peers.map(({ publicKey, latestHandshakeAt, receivedBytes }) => [
          publicKey,
          { handshakeAt: latestHandshakeAt, receivedBytes },
        ]),
      ),
    isAlive: () => linkExists(name),
    restore: async () => {
      await undo(plan.home)
    },
  }
}

/** Undoes what a run has changed. @returns whether there was anything. */
export async function undo(home: string): Promise<boolean> {
  const record = await readMachineRecord(home)
  if (record === undefined) return false
  if (record.bootId === (await readBootId())) {
    // The way through is closed before the rules that guard it go.
    await restoreSettings(record.settings)
    await deleteWireguard(record.tunnel)
    await dropFirewall(record.table)
  }
  await removeMachineRecord(home)
  return true
}

/** What a crashed run left on the machine. */
export interface Leftovers {
  readonly bootId: string
  /** What its rules have counted, by session key. */
  readonly readings: ReadonlyMap<number, Reading>
  /** Where its consumers were last heard from. */
  readonly endpoints: ReadonlyMap<WireguardKey, WireguardEndpoint>
}

/** Takes down the tunnel of a crashed run, which forwards up to its limits, and then reads its last counts. */
export async function collectLeftovers(home: string): Promise<Leftovers> {
  const [record, bootId] = await Promise.all([readMachineRecord(home), readBootId()])
  if (record === undefined || record.bootId !== bootId)
    return { bootId, readings: new Map(), endpoints: new Map() }
  // Its interface may be gone already, with the wireguard-go behind it.
  const peers = await readWireguard(record.tunnel).then(
    (state) => state.peers,
    () => [],
  )
  await deleteWireguard(record.tunnel)
  return {
    bootId,
    readings: await readLeftTable(record.table),
    endpoints: new Map(peers.flatMap(({ publicKey, endpoint }) => (endpoint ? [[publicKey, endpoint]] : []))),
  }
}

async function configureTunnel(tunnel: WireguardInterface, plan: MachinePlan, mtu: number): Promise<void> {
  const { address4, address6 } = plan.gateway
  try {
    await configureWireguard(tunnel, {
      privateKey: plan.keys.privateKey,
      listenPort: plan.wireguardPort,
      peers: [],
    })
    await bringUp(tunnel.name, {
      mtu,
      addresses: [
        `${address4}/${plan.bits.four}`,
        ...((await hasIpv6()) ? [`${address6}/${plan.bits.six}`] : []),
      ],
    })
  } catch (error) {
    if (error instanceof CommandFailed && /address (already )?in use/i.test(error.stderr))
      throw new UserError(
        `UDP port ${plan.wireguardPort} is in use. Stop the program that uses it, or choose another --wireguard-port.`,
        { cause: error },
      )
    throw error
  }
}

/** Whether the machine has IPv6 at all; without it consumers have none either. */
const hasIpv6 = async (): Promise<boolean> =>
  (await readFile('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'utf8').catch(() => '1')).trim() === '0'
