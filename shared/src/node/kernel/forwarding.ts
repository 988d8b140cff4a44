import { constants } from 'node:fs'
import { access, readdir, readFile, writeFile } from 'node:fs/promises'
import { UserError } from '../program/userError.js'

/** Settings of the kernel with the values they had: `net/ipv4/conf/eth0/forwarding` → `0`. */
export type KernelSettings = Readonly<Record<string, string>>

/** A setting that forwarding needs, and what it is now. */
interface Need {
  readonly name: string
  readonly is: string
  readonly wanted: string
  /** Whether nothing is forwarded without it. */
  readonly isVital: boolean
}

/**
 * Switches forwarding on for these devices, or on again: only what differs is written.
 *
 * IPv4 forwards by the device a packet came in on, so only ours are switched and the machine's general switch
 * stays as it is. IPv6 knows only the general one; with it a device no longer learns its router by advertisements
 * unless `accept_ra` is 2, so that is raised where it was 1.
 *
 * @param note - Told, before anything is written, of the settings that change with the values they have.
 * @param learning - Devices that learn their router by advertisements, and have to go on doing so.
 * @returns Names of the settings that were written. Those of a device that is gone are passed over.
 * @throws UserError when one cannot be written without which nothing is forwarded.
 */
export async function forwardThrough(
  devices: readonly string[],
  note: (before: KernelSettings) => Promise<void>,
  learning: readonly string[] = devices,
): Promise<string[]> {
  const different = await readDifferent(devices, learning)
  if (different.length === 0) return []
  await note(await settingsOf(different))
  const written: string[] = []
  for (const { name, is, wanted, isVital } of different)
    await write(name, wanted, is).then(
      () => written.push(name),
      (error) => {
        if (isVital) throw error
      },
    )
  return written
}

/** Those settings that {@link forwardThrough} would change, with the values they have. */
export const readForwarding = async (
  devices: readonly string[],
  learning: readonly string[],
): Promise<KernelSettings> => settingsOf(await readDifferent(devices, learning))

async function settingsOf(different: readonly Need[]): Promise<KernelSettings> {
  const before: Record<string, string> = {}
  for (const { name, is } of different) before[name] = is
  // Writing the general switch writes that of every device, too.
  if (generalSwitch6 in before)
    for (const device of await listDevices('ipv6')) {
      const name = `net/ipv6/conf/${device}/forwarding`
      const value = await readSetting(name)
      if (value !== undefined) before[name] = value
    }
  return before
}

/** Whether somebody else forwards IPv4 on this machine: the general switch is on, or that of a device not ours. */
export async function othersForward4(ours: readonly string[]): Promise<boolean> {
  if (await forwards4()) return true
  const switches = (await listDevices('ipv4'))
    .filter((device) => device !== 'default' && !ours.includes(device))
    .map((device) => readSetting(`net/ipv4/conf/${device}/forwarding`))
  return (await Promise.all(switches)).includes('1')
}

/** Whether the machine's general switch for IPv4 is on, which is never ours. */
export const forwards4 = async (): Promise<boolean> => (await readSetting('net/ipv4/ip_forward')) === '1'

/** Whether IPv6 is forwarded at all, by whomever it was switched on. */
export const forwards6 = async (): Promise<boolean> => (await readSetting(generalSwitch6)) === '1'

/**
 * Puts settings back, each whatever becomes of the others. One of a device that is gone, or that somebody has changed
 * since, stays as it is.
 *
 * @param isNeeded - Whether somebody else relies on a setting by now.
 * @returns Sentences about what could not be put back.
 */
export async function restoreSettings(
  settings: KernelSettings,
  isNeeded: (name: string) => boolean,
): Promise<string[]> {
  // The general switch first: writing it overwrites those of the devices.
  const names = Object.keys(settings).sort(
    (a, b) => Number(b === generalSwitch6) - Number(a === generalSwitch6),
  )
  const left: string[] = []
  for (const name of names) {
    const before = settings[name] ?? ''
    try {
      const is = await readSetting(name)
      if (is !== undefined && is !== before && !isNeeded(name)) await write(name, before, is)
    } catch (error) {
      left.push((error as Error).message)
    }
  }
  return left
}

/** Whether a setting is one of IPv4 or of IPv6. */
export const familyOf = (name: string): 4 | 6 => (name.startsWith('net/ipv6/') ? 6 : 4)

async function readDifferent(devices: readonly string[], learning: readonly string[]): Promise<Need[]> {
  const needs: Need[] = []
  for (const device of devices) {
    const forwarding = `net/ipv4/conf/${device}/forwarding`
    const is = await readSetting(forwarding)
    if (is !== undefined) needs.push({ name: forwarding, is, wanted: '1', isVital: true })
  }
  for (const device of learning) {
    const advertised = `net/ipv6/conf/${device}/accept_ra`
    if ((await readSetting(advertised)) === '1')
      needs.push({ name: advertised, is: '1', wanted: '2', isVital: false })
  }
  const general = await readSetting(generalSwitch6)
  if (general !== undefined) needs.push({ name: generalSwitch6, is: general, wanted: '1', isVital: true })
  return needs.filter(({ is, wanted }) => is !== wanted)
}

/** The one switch that IPv6 has. */
export const generalSwitch6 = 'net/ipv6/conf/all/forwarding'

async function listDevices(family: 'ipv4' | 'ipv6'): Promise<string[]> {
  const devices = await readdir(`/proc/sys/net/${family}/conf`).catch(() => [])
  return devices.filter((device) => device !== 'all')
}

/** Undefined when the kernel does not have it: no IPv6, or the device is gone. */
async function readSetting(name: string): Promise<string | undefined> {
  try {
    return (await readFile(`/proc/sys/${name}`, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Makes sure that what forwarding will change can be changed: in a container /proc/sys may be read-only.
 *
 * @param settings - As {@link readForwarding} gives them.
 * @throws UserError that says how it is done by hand.
 */
export async function demandWritable(settings: KernelSettings): Promise<void> {
  for (const [name, is] of Object.entries(settings))
    if (name.endsWith('/forwarding'))
      await access(`/proc/sys/${name}`, constants.W_OK).catch(notWritten(name, '1', is))
}

/** @throws UserError that says how it is done by hand. */
const write = (name: string, value: string, is: string): Promise<void> =>
  writeFile(`/proc/sys/${name}`, value).catch(notWritten(name, value, is))

/** One of a device that is gone is passed over. */
const notWritten = (name: string, value: string, is: string) => (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'ENOENT') return
  throw new UserError(
    `/proc/sys/${name} is ${is} and has to be ${value}, but cannot be written (${cause.code}). Set it by hand, in a container from outside of it: sysctl -w ${name}=${value}`,
    { cause },
  )
}
