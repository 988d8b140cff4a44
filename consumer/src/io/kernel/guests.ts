import { existsSync, readdirSync } from 'node:fs'
import { CommandFailed, nftInterface, runCommand } from '@pontage/shared/node'

const devices = '/sys/class/net'

/**
 * Bridges of containers and virtual machines that live on this machine, as words of nft: those that no network card belongs to
 * and no default route leads through.
 */
export async function guestBridges(): Promise<string[]> {
  const bridges = list(devices).filter((name) => existsSync(`${devices}/${name}/bridge`))
  if (bridges.length === 0) return []
  const upstream = await defaultDevices()
  const isGuest = (name: string) =>
    !upstream.has(name) &&
    list(`${devices}/${name}/brif`).every(
      (member) => !upstream.has(member) && !existsSync(`${devices}/${member}/device`),
    )
  return bridges.filter(isGuest).sort().map(nftInterface)
}

/** The networks of these bridges, as address and prefix length. */
export async function guestNetworks(): Promise<string[]> {
  const bridges = new Set((await guestBridges()).map((word) => word.replaceAll('"', '')))
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

async function defaultDevices(): Promise<Set<string>> {
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
