import { isIP } from 'node:net'
import { CommandFailed, runCommand } from '@pontage/shared/node'
import { isLocalAddress } from '../../core/localAddress.js'

/** Somebody on the internet who listens on TCP. */
export interface Listener {
  readonly host: string
  readonly port: number
}

const withinMs = 2_500

/** In a process of its own, since another network namespace may be meant. Exits with 0 as soon as one connects. */
const attempt = `
const [sources, targets] = JSON.parse(process.argv[1])
for (const target of targets)
  require('node:net').connect(target).on('error', () => {}).on('connect', function () {
    if (sources.includes(this.localAddress)) process.exit(0)
  })
setTimeout(() => process.exit(1), ${withinMs})
`

/**
 * Whether any of these can be reached from one of the addresses that a tunnel has: what does not go through it, such as a
 * node on this machine, says nothing.
 *
 * @returns undefined where it could not be tried.
 */
export async function reachesAny(
  targets: readonly Listener[],
  sources: readonly string[],
  netns: string | undefined,
): Promise<boolean | undefined> {
  // One of the local network, or on this machine, is not reached through any provider.
  const beyond = targets.filter(({ host }) => host !== 'localhost' && !(isIP(host) > 0 && isLocal(host)))
  if (beyond.length === 0) return undefined
  const where = netns === undefined ? {} : { netns }
  const what = JSON.stringify([sources, beyond])
  return runCommand([process.execPath, '-e', attempt, what], where).then(
    () => true,
    (error) => {
      if (!(error instanceof CommandFailed)) throw error
      return error.exitCode === 1 ? false : undefined
    },
  )
}

const isLocal = (address: string): boolean => isLocalAddress(address) || /^(127\.|::1$)/.test(address)

/** Who listens at a url; undefined for what is none. */
export function listenerAt(url: string): Listener | undefined {
  try {
    const { protocol, hostname, port } = new URL(url)
    const isTls = ['https:', 'wss:'].includes(protocol)
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (isTls ? 443 : 80) }
  } catch {
    return undefined
  }
}
