import { readFile } from 'node:fs/promises'
import { isIP, isIPv4 } from 'node:net'
import { runCommand, UserError } from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import type { WaysOut } from '../../core/way.js'

/** One line of the routing table. */
export interface RouteLine {
  /** Range such as `192.168.1.0/24`, or `default`. */
  readonly to: string
  readonly device: string
}

/** The machine's routes, both families. */
export async function readRoutes(): Promise<RouteLine[]> {
  const list = async (family: '-4' | '-6') => {
    const { stdout } = await runCommand(['ip', family, '-json', 'route', 'show'])
    const lines = JSON.parse(stdout === '' ? '[]' : stdout) as { dst?: string; dev?: string }[]
    return lines.flatMap(({ dst, dev }) => (dst && dev ? [{ to: dst, device: dev, family }] : []))
  }
  const [four, six] = await Promise.all([list('-4'), list('-6').catch(() => [])])
  return [...four, ...six].map(({ to, device, family }) => ({
    to: to === 'default' || to.includes('/') ? to : `${to}/${family === '-4' ? 32 : 128}`,
    device,
  }))
}

/**
 * The device traffic leaves by: the named one, else that of the default route.
 *
 * @throws UserError when there is none.
 */
export function chooseUplink(
  named: string | undefined,
  routes: readonly RouteLine[],
  devices: readonly string[],
): string {
  if (named !== undefined) {
    if (!devices.includes(named))
      throw new UserError(
        `There is no network device "${named}". Choose an --uplink from: ${devices.join(', ')}.`,
      )
    return named
  }
  const route = routes.find(({ to }) => to === 'default')
  if (route === undefined)
    throw new UserError(
      'This machine has no default route, so traffic cannot leave it. Give --uplink DEVICE, or connect the machine.',
    )
  return route.device
}

/** The devices by which the kernel would hand on a consumer's packets to the internet, by its rules, routes and switches. */
export async function waysOut(tunnel: string, { address4, address6 }: TunnelAddresses): Promise<WaysOut> {
  const ask = async (there: string, from: string): Promise<string | undefined> => {
    const question = ['ip', '-json', 'route', 'get', there, 'from', from, 'iif', tunnel]
    const found = await runCommand(question).catch(() => undefined)
    const [route] = JSON.parse(found?.stdout.trim() || '[]') as { dev?: string }[]
    return route?.dev
  }
  const [four, six] = await Promise.all([ask('192.0.2.1', address4), ask('2001:db8::1', address6)])
  return { four, six }
}

/** Names of the machine's network devices. */
export async function readDevices(): Promise<string[]> {
  const { stdout } = await runCommand(['ip', '-json', 'link', 'show'])
  return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname)
}

/** Resolvers for consumers, at most one of each family. */
export interface Resolvers {
  readonly resolver4: string | undefined
  readonly resolver6: string | undefined
}

/**
 * The resolvers to send consumers' questions to: the named ones, else the first of each family that the machine
 * itself uses. One that listens on loopback only cannot answer others; then its own upstream is asked.
 *
 * @throws UserError when a named one is no address.
 */
export async function chooseResolvers(named: readonly string[]): Promise<Resolvers> {
  for (const text of named)
    if (isIP(text) === 0)
      throw new UserError(`"${text}" is not the IP address of a resolver. Change --resolver.`)
  const known =
    named.length > 0
      ? named
      : [
          ...(await readNameservers('/etc/resolv.conf')),
          ...(await readNameservers('/run/systemd/resolve/resolv.conf')),
        ]
  const usable = known.filter(
    (text) => isIP(text) !== 0 && !/^(127\.|::1$|fe80:|0\.0\.0\.0$|::$)/i.test(text),
  )
  return {
    resolver4: usable.find((text) => isIPv4(text)),
    resolver6: usable.find((text) => !isIPv4(text)),
  }
}

async function readNameservers(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address = '']) => address)
}
