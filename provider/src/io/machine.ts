import { readFile } from 'node:fs/promises'
import {
  addWireguardPeer,
  bringUp,
  CommandFailed,
  configureWireguard,
  createWireguard,
  deleteWireguard,
  generatePresharedKey,
  linkExists,
  removeWireguardPeer,
  UserError,
  uniqueInterfaceName,
  type WireguardInterface,
  type WireguardKey,
  type WireguardKeyPair,
} from '@pontage/shared/node'
import type { TunnelAddresses } from '../core/addressPool.js'
import type { Reading } from '../core/meter.js'
import { dropFirewall, type Firewall, type FirewallPlan, raiseFirewall, readLeftTable } from './firewall.js'
import { enableForwarding, readForwarding, restoreSettings } from './forwarding.js'
import { readBootId, readMachineRecord, removeMachineRecord, writeMachineRecord } from './machineRecord.js'

/** Smallest MTU of IPv6: fits every path, and nothing has to be probed. */
export const tunnelMtu = 1_280

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

/** The machine while it serves: one interface, one table. */
export interface Machine {
  readonly tunnel: WireguardInterface
  /** Puts the rules in place; nothing is forwarded before. */
  raise(paymentPort: number): Promise<Firewall>
  /** Adds a consumer's end, and gives the secret both ends share. */
  addPeer(publicKey: WireguardKey, addresses: TunnelAddresses): Promise<WireguardKey>
  removePeer(publicKey: WireguardKey): Promise<void>
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
  const forwarding = await readForwarding(plan.devices)
  const bootId = await readBootId()
  const note = (kind: WireguardInterface['kind']) =>
    writeMachineRecord(plan.home, { bootId, tunnel: { name, kind }, table, settings: forwarding.settings })
  // Until it is known which kind it became, the one that takes more to remove is noted.
  await note('userspace')
  const tunnel = await createWireguard(name)
  try {
    await note(tunnel.kind)
    await configureTunnel(tunnel, plan)
  } catch (error) {
    await undo(plan.home)
    throw error
  }
  return {
    tunnel,
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
    async addPeer(publicKey, { address4, address6 }) {
      const presharedKey = generatePresharedKey()
      await addWireguardPeer(tunnel, {
        publicKey,
        presharedKey,
        allowedIps: [`${address4}/32`, `${address6}/128`],
      })
      return presharedKey
    },
    removePeer: (publicKey) => removeWireguardPeer(tunnel, publicKey),
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

/** What the rules of a crashed run have counted, by session key. */
export async function readLeftovers(home: string): Promise<ReadonlyMap<number, Reading>> {
  const record = await readMachineRecord(home)
  if (record === undefined || record.bootId !== (await readBootId())) return new Map()
  return readLeftTable(record.table)
}

async function configureTunnel(tunnel: WireguardInterface, plan: MachinePlan): Promise<void> {
  const { address4, address6 } = plan.gateway
  try {
    await configureWireguard(tunnel, {
      privateKey: plan.keys.privateKey,
      listenPort: plan.wireguardPort,
      peers: [],
    })
    await bringUp(tunnel.name, {
      mtu: tunnelMtu,
      addresses: [
        `${address4}/${plan.bits.four}`,
        ...((await hasIpv6()) ? [`${address6}/${plan.bits.six}`] : []),
      ],
    })
  } catch (error) {
    if (error instanceof CommandFailed && /address (already )?in use/i.test(error.stderr))
      throw new UserError(
        `UDP port ${plan.wireguardPort} is taken. Stop the program that has it, or choose another --wireguard-port.`,
        { cause: error },
      )
    throw error
  }
}

/** Whether the machine has IPv6 at all; without it consumers have none either. */
const hasIpv6 = async (): Promise<boolean> =>
  (await readFile('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'utf8').catch(() => '1')).trim() === '0'
