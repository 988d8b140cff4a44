import { isLoopback, isOwnAddress, proxyInUse, UserError } from '@pontage/shared/node'
import { whyNotRootless } from '../../core/rootless.js'
import { type ConnectionRecord, isRunning } from '../../io/home/connectionFile.js'
import { refuseUnderLockdown } from '../../io/kernel/lockdown.js'
import { rootlessMeans, runAsOwnRoot } from '../../io/kernel/ownRoot.js'
import type { ConnectionOptions } from './connection.js'

/**
 * Goes on as root of namespaces of its own: those of the tunnel that was made so before, or new ones.
 *
 * @param running - What was written down of this home's connection.
 * @returns The exit code.
 * @throws UserError saying what is missing.
 */
export async function withoutRoot(
  argv: ConnectionOptions,
  running: ConnectionRecord | undefined,
): Promise<number> {
  refuseUnderLockdown()
  const besides = running?.rootless && isRunning(running) ? running.process.pid : undefined
  const missing = besides === undefined ? whyNotRootless(await rootlessMeans()) : undefined
  if (missing !== undefined) throw new UserError(`${missing} Or use sudo: it needs none of this.`)
  return runAsOwnRoot({ ownPorts: ownPorts(argv), besides })
}

/** Ports on this machine itself at which proxy and nodes are. @throws UserError for a proxy that cannot be reached */
function ownPorts({ rpc }: ConnectionOptions): number[] {
  const proxy = proxyInUse()
  if (proxy && !isLoopback(proxy.address) && isOwnAddress(proxy.address))
    throw new UserError(
      `The proxy at ${proxy.name} runs on this machine. Without root it is reached at 127.0.0.1 only: have it listen there, and give that address.`,
    )
  const nodes = [rpc]
    .flat()
    .flatMap((each) => each.split(','))
    .filter((each) => URL.canParse(each.trim()))
    .map((each) => new URL(each.trim()))
  const own = [
    ...(proxy && isLoopback(proxy.address) ? [proxy.port] : []),
    ...nodes
      .filter(({ hostname }) => isLoopback(hostname.replace(/^\[|\]$/g, '')))
      .map(({ port, protocol }) => Number(port) || (/s:$/.test(protocol) ? 443 : 80)),
  ]
  return [...new Set(own)]
}
