import { existsSync, readdirSync } from 'node:fs'
import { CommandFailed, nftInterface, runCommand } from '@pontage/shared/node'

const devices = '/sys/class/net'

/**
 * Behind which devices those are that go out through this machine, as words of nft: bridges of its containers and virtual
 * machines, which no network card belongs to and no default route leads through; and those that it is a gateway for.
 */
export async function guestDevices(gatewayFor: readonly string[] = []): Promise<string[]> {
  const present = gatewayFor.filter((name) => existsSync(`${devices}/${name}`))
  return [...new Set([...(await guestBridges()), ...present])].sort().map(nftInterface)
}

async function guestBridges(): Promise<string[]> {
  const bridges = list(devices).filter((name) => existsSync(`${devices}/${name}/bridge`))
  if (bridges.length === 0) return []
  const upstream = await defaultDevices()
  const isGuest = (name: string) =>
    !upstream.has(name) &&
    list(`${devices}/${name}/brif`).every(
      (member) => !upstream.has(member) && !existsSync(`${devices}/${member}/device`),
    )
  return bridges.filter(isGuest)
}

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
    for (const { dev } of JSON.parse(stdout || '[]') as { dev?: string }[]) if (dev) found.add(dev)
  }
  return found
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
