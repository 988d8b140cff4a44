import { readdir, readFile, writeFile } from 'node:fs/promises'

/** Settings of the kernel with the values they had: `net.ipv4.conf.eth0.forwarding` → `0`. */
export type KernelSettings = Readonly<Record<string, string>>

/** Whether the machine forwarded for others before we came. */
export interface ForwardingBefore {
  readonly forwards4: boolean
  readonly forwards6: boolean
  /** What has to be put back. */
  readonly settings: KernelSettings
}

/**
 * What forwarding through these devices will change, with its present values.
 *
 * IPv4 forwards by the device a packet came in on, so only ours are switched and the machine's general switch
 * stays as it is. IPv6 knows only the general one; with it a device no longer learns its router by advertisements
 * unless `accept_ra` is 2, so that is raised where it was 1.
 */
export async function readForwarding(devices: readonly string[]): Promise<ForwardingBefore> {
  const settings: Record<string, string> = {}
  const note = async (name: string) => {
    const value = await readSetting(name)
    if (value !== undefined) settings[name] = value
    return value
  }
  for (const device of devices) {
    await note(`net/ipv4/conf/${device}/forwarding`)
    if ((await readSetting(`net/ipv6/conf/${device}/accept_ra`)) === '1')
      await note(`net/ipv6/conf/${device}/accept_ra`)
  }
  const forwards6 = await readSetting(generalSwitch6)
  // Writing the general switch writes that of every device, too.
  if (forwards6 === '0') {
    settings[generalSwitch6] = '0'
    for (const device of await listDevices6()) await note(`net/ipv6/conf/${device}/forwarding`)
  }
  return {
    forwards4: (await readSetting('net/ipv4/ip_forward')) === '1',
    forwards6: forwards6 === '1',
    settings,
  }
}

/** Switches forwarding on for these devices. */
export async function enableForwarding(devices: readonly string[], before: ForwardingBefore): Promise<void> {
  for (const device of devices) {
    await writeSetting(`net/ipv4/conf/${device}/forwarding`, '1')
    const acceptRa = `net/ipv6/conf/${device}/accept_ra`
    if (before.settings[acceptRa] === '1') await writeSetting(acceptRa, '2')
  }
  if (before.settings[generalSwitch6] === '0') await writeSetting(generalSwitch6, '1')
}

/** Puts settings back. Those of a device that is gone are passed over. */
export async function restoreSettings(settings: KernelSettings): Promise<void> {
  // The general switch first: writing it overwrites those of the devices.
  const names = Object.keys(settings).sort(
    (a, b) => Number(b === generalSwitch6) - Number(a === generalSwitch6),
  )
  for (const name of names)
    if ((await readSetting(name)) !== undefined) await writeSetting(name, settings[name] ?? '')
}

const generalSwitch6 = 'net/ipv6/conf/all/forwarding'

async function listDevices6(): Promise<string[]> {
  const devices = await readdir('/proc/sys/net/ipv6/conf').catch(() => [])
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

const writeSetting = (name: string, value: string): Promise<void> => writeFile(`/proc/sys/${name}`, value)
