import { existsSync, readdirSync } from 'node:fs'
import { CommandFailed, isPlainInterface, nftInterface, runCommand } from '@pontage/shared/node'

const devices = '/sys/class/net'

/**
 * Behind which devices those are that go out through this machine, as words of nft: bridges of its containers and virtual
 * machines, which no network card belongs to; and those that it is a gateway for. None that a default route leads through.
 */
export async function guestDevices(gatewayFor: readonly string[] = []): Promise<string[]> {
  const bridges = list(devices).filter((name) => existsSync(`${devices}/${name}/bridge`))
  const present = gatewayFor.filter((name) => existsSync(`${devices}/${name}`))
  if (bridges.length + present.length === 0) return []
  // A device may become the way to the internet while a connection stands: then it leads to no guests any more.
  const upstream = await defaultDevices()
  const isVirtual = (bridge: string) =>
    list(`${devices}/${bridge}/brif`)
      .flatMap(withLower)
      .every((each) => !upstream.has(each) && !existsSync(`${devices}/${each}/device`))
  const guests = new Set([...bridges.filter(isVirtual), ...present])
  return [...guests]
    .filter((name) => !upstream.has(name) && isPlainInterface(name))
    .sort()
    .map(nftInterface)
}

/** A device, and those that it stands on: a VLAN stands on a card, and a bond on several. */
const withLower = (device: string): string[] => [
  device,
  ...list(`${devices}/${device}`)
    .filter((entry) => entry.startsWith(lower))
    .flatMap((entry) => withLower(entry.slice(lower.length))),
]
const lower = 'lower_'

/** The networks behind these devices, as address and prefix length. */
export async function guestNetworks(gatewayFor: readonly string[]): Promise<string[]> {
  const bridges = new Set((await guestDevices(gatewayFor)).map((word) => word.replaceAll('"', '')))
  if (bridges.size === 0) return []
  const { stdout } = await runCommand(['ip', '-json', 'address', 'show'])
  const links = JSON.parse(stdout || '[]') as {
    ifname?: string
    addr_info?: { local?: string; prefixlen?: number; scope?: string }[]
  }[]
  return links
    .filter(({ ifname = '' }) => bridges.has(ifname))
    .flatMap(({ addr_info: addresses = [] }) => addresses)
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
}

/** Names of the devices that a default route leads through. */
export async function defaultDevices(): Promise<Set<string>> {
  const found = new Set<string>()
  for (const family of ['-4', '-6']) {
    const { stdout } = await runCommand(['ip', family, '-json', 'route', 'show', 'default']).catch(
      (error) => {
        if (error instanceof CommandFailed) return { stdout: '' } // A machine without this family.
        throw error
      },
    )
    // A route with several ways has none of its own.
    for (const { dev, nexthops = [] } of JSON.parse(stdout || '[]') as DefaultRoute[])
      for (const each of [dev, ...nexthops.map((way) => way.dev)]) if (each) found.add(each)
  }
  return found
}

interface DefaultRoute {
  readonly dev?: string
  readonly nexthops?: readonly { readonly dev?: string }[]
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
