import { existsSync } from 'node:fs'
import {
  demandWritable,
  forgetUse,
  forwardThrough,
  isPlainInterface,
  type KernelSettings,
  noteUse,
  readForwarding,
  readOtherUses,
  readUse,
  restoreSettings,
  runCommand,
  UserError,
} from '@pontage/shared/node'
import { killSwitchTable } from '../../core/killSwitch.js'
import { defaultDevices } from './guests.js'
import type { Part } from './upkeep.js'

/** What a gateway is for, and what it found. */
export interface Gateway {
  /** Names of the devices behind which others are. */
  readonly devices: readonly string[]
  /** Settings of the kernel as they were before the first tunnel. */
  readonly before: KernelSettings
}

/**
 * Looks at what forwarding for these devices will change.
 *
 * @throws UserError for a device that is not there, or that leads to the internet.
 */
export async function planGateway(devices: readonly string[]): Promise<Gateway> {
  const upstream = await defaultDevices()
  for (const device of devices) {
    if (device === 'lo' || !/^[^\s/:]{1,15}$/.test(device) || !existsSync(`/sys/class/net/${device}`))
      throw new UserError(
        `--gateway names "${device}", and no network device of this machine is called so. "ip link" lists them.`,
      )
    if (!isPlainInterface(device))
      throw new UserError(
        `--gateway names "${device}", and rules take names of letters, digits, "_", ".", "@" and "-" only. Rename it: ip link set dev ${device} name lan0`,
      )
    if (upstream.has(device))
      throw new UserError(
        `--gateway names ${device}, by which this machine itself reaches the internet. Name the device behind which the others are.`,
      )
  }
  const before = await readForwarding(devices, [...upstream])
  await demandWritable(before)
  return { devices, before }
}

/** Forwards what comes in by these devices: the rules lead it into the tunnel, or nowhere. */
export function forwardingPart({ devices, before }: Gateway, tunnel: string): Part {
  const through = [...devices, tunnel]
  const upstream = async () => [...(await defaultDevices())]
  return {
    // The settings that are not as they should be.
    right: '{}',
    look: async () => JSON.stringify(await readForwarding(through, await upstream())),
    async apply() {
      // A way to the internet that came up meanwhile is changed, too.
      const note = async (changed: KernelSettings) =>
        noteUse(killSwitchTable, { ...changed, ...(await readUse(killSwitchTable)), ...before })
      await forwardThrough(through, note, await upstream())
    },
  }
}

/**
 * Puts the switches back, those excepted that a provider on this machine relies on.
 *
 * @throws UserError saying what could not be put back.
 */
export async function restoreForwarding({ before }: Gateway): Promise<void> {
  // Whoever cannot be asked about is not waited for: the switches go back all the same.
  const uses = await usesOfOthers().catch((): KernelSettings => ({}))
  const later = await readUse(killSwitchTable).catch((): KernelSettings => ({}))
  const left = await restoreSettings({ ...later, ...before }, (name) => name in uses)
  await forgetUse(killSwitchTable).catch((error: Error) => left.push(error.message))
  if (left.length > 0) throw new UserError(left.join(' '))
}

async function usesOfOthers(): Promise<KernelSettings> {
  const { stdout } = await runCommand(['nft', '-j', 'list', 'tables'])
  const { nftables } = JSON.parse(stdout) as { nftables: { table?: { name: string } }[] }
  return readOtherUses(
    killSwitchTable,
    nftables.flatMap(({ table }) => (table ? [table.name] : [])),
  )
}
