import { tunnelMtuOver } from '@pontage/shared'
import type { KernelSettings } from '@pontage/shared/node'
import {
  addWireguardPeer,
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
import type { WaysOut } from '../../core/way.js'
import {
  type Firewall,
  type FirewallPlan,
  type OthersForward,
  raiseFirewall,
  readLeftTable,
} from './firewall.js'
import { readStrangers, tablePrefix } from './foreignChains.js'
import { type MachineRecord, readBootId, readMachineRecord, writeMachineRecord } from './machineRecord.js'
import { waysOut } from './network.js'
import { type Others, shareSwitches } from './switches.js'
import { mendTunnel, ownAddresses, PathRoutes } from './tunnelState.js'
import { type Undone, undo } from './undo.js'

/** What the tunnels of one daemon need of the machine. */
export interface MachinePlan
  extends Omit<FirewallPlan, 'table' | 'tunnel' | 'paymentPort' | keyof OthersForward> {
  /** Where to write down what is changed. */
  readonly home: string
  readonly keys: WireguardKeyPair
  /** Addresses as a consumer has them. */
  readonly consumer: TunnelAddresses
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
  /** Answers whoever has this key, and lets nothing of theirs through. @returns What takes it back. */
  greetable(publicKey: WireguardKey): Promise<() => Promise<void>>
  /**
   * Sends a consumer no larger packets than its path takes, by what it found and by what our own kernel knows.
   * @returns The MTU towards it from now on.
   */
  fitPath(publicKey: WireguardKey, addresses: TunnelAddresses, found: number): Promise<number>
  /** Bytes that WireGuard has received from each peer. */
  heard(): Promise<ReadonlyMap<WireguardKey, bigint>>
  /** Whether the tunnel interface is still there: with a userspace WireGuard it dies with a process. */
  isAlive(): Promise<boolean>
  /**
   * Switches forwarding on again where somebody switched it off.
   * @param devices - Through which packets come back by now.
   * @returns Names of the settings that were written.
   */
  keepForwarding(devices: readonly string[]): Promise<string[]>
  /** Gives the tunnel back what it has lost: state, addresses, routes. @returns what that was. */
  keepTunnel(): Promise<string[]>
  /** Who else has a say in forwarding. */
  others(): Promise<Others>
  /** The devices by which a consumer's packets would leave. */
  waysOut(): Promise<WaysOut>
  /** Puts everything back as it was, as far as it can be. */
  restore(): Promise<Undone>
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
  const table = `${tablePrefix}${name}`
  const mtu = tunnelMtuOver(await linkMtu(plan.uplink), 4)
  const bootId = await readBootId()
  const chainsBefore = (await readStrangers()).chains.map((chain) => chain.name)
  let record: MachineRecord = {
    ...{ bootId, tunnel: { name, kind: 'userspace' }, table, chainsBefore },
    settings: await leftSettings(plan.home, bootId),
  }
  const note = async (change: Partial<MachineRecord>) => {
    record = { ...record, ...change }
    await writeMachineRecord(plan.home, record)
  }
  // Until it is known which kind it became, the one that takes more to remove is noted.
  await note({})
  const tunnel = await createWireguard(name)
  try {
    await note({ tunnel: { name, kind: tunnel.kind } })
    await configureTunnel(tunnel, plan, mtu)
  } catch (error) {
    await undo(plan.home)
    throw error
  }
  const routes = new PathRoutes(name)
  const switches = shareSwitches(table, chainsBefore, record.settings, (settings) => note({ settings }))
  return {
    tunnel,
    mtu,
    bootId,
    async raise(paymentPort) {
      const { othersForward4, othersForward6 } = await switches.others()
      const others = { othersForward4, othersForward6 }
      const firewall = await raiseFirewall({ ...plan, ...others, table, tunnel: name, paymentPort })
      // Last: with the rules standing nothing passes that should not.
      await switches.keep([name, ...plan.devices]).catch((error) => {
        firewall.close()
        throw error
      })
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
      await routes.widen(publicKey)
      await removeWireguardPeer(tunnel, publicKey)
    },
    async greetable(publicKey) {
      await addWireguardPeer(tunnel, { publicKey, allowedIps: [] })
      return () => removeWireguardPeer(tunnel, publicKey)
    },
    async fitPath(publicKey, addresses, found) {
      const { endpoint } =
        (await readWireguard(tunnel)).peers.find((peer) => peer.publicKey === publicKey) ?? {}
      const path = endpoint && (await routeTo(endpoint.host))
      const known = path === undefined ? mtu : tunnelMtuOver(path.mtu, endpoint?.host.includes(':') ? 6 : 4)
      const fits = Math.min(mtu, known, found)
      if (fits === mtu) await routes.widen(publicKey)
      else await routes.narrow(publicKey, addresses, fits)
      return fits
    },
    heard: async () =>
      new Map(
        (await readWireguard(tunnel)).peers.map(({ publicKey, receivedBytes }) => [publicKey, receivedBytes]),
      ),
    isAlive: () => linkExists(name),
    keepForwarding: (devices) => switches.keep([name, ...devices]),
    async keepTunnel() {
      const mended = await mendTunnel({ ...plan, name, mtu })
      if (mended.length > 0) await routes.restore()
      return mended
    },
    others: () => switches.others(),
    waysOut: () => waysOut(name, plan.consumer),
    restore: () => undo(plan.home),
  }
}

/** Settings that an earlier run changed and could not put back: what they were before it still counts. */
async function leftSettings(home: string, bootId: string): Promise<KernelSettings> {
  const left = await readMachineRecord(home)
  return left?.bootId === bootId ? left.settings : {}
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
  try {
    await configureWireguard(tunnel, {
      privateKey: plan.keys.privateKey,
      listenPort: plan.wireguardPort,
      peers: [],
    })
    await bringUp(tunnel.name, { mtu, addresses: await ownAddresses(plan) })
  } catch (error) {
    if (error instanceof CommandFailed && /address (already )?in use/i.test(error.stderr))
      throw new UserError(
        `UDP port ${plan.wireguardPort} is in use. Stop the program that uses it, or choose another --wireguard-port.`,
        { cause: error },
      )
    throw error
  }
}
