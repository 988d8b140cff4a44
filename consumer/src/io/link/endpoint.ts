import { lookup } from 'node:dns/promises'
import { isIP, type Socket } from 'node:net'
import { proxyInUse, raceConnect, UserError } from '@pontage/shared/node'

/** Where a provider takes payments: its host, every address of that, and the port. */
export interface Endpoint {
  readonly host: string
  readonly addresses: readonly [string, ...string[]]
  readonly tcpPort: number
}

/**
 * Resolves `host:port` of a proposal. Done while names can still be asked for: behind the kill switch only
 * the addresses count. Through a proxy, which finds them itself, the host stands for them.
 *
 * @throws UserError when it is no endpoint or its name is not known.
 */
export async function resolveEndpoint(endpoint: string): Promise<Endpoint> {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(endpoint)
  const host = match?.[1] ?? match?.[2]
  const tcpPort = Number(match?.[3])
  if (host === undefined || tcpPort < 1 || tcpPort > 65_535)
    throw new UserError(`The offer's endpoint "${endpoint}" is not host:port. Choose another provider.`)
  if (proxyInUse()) return { host, addresses: [host], tcpPort }
  const found = await lookup(host, { all: true }).catch((cause) => {
    throw new UserError(
      `The address of the provider's host "${host}" is not known. Check the network, or choose another provider.`,
      { cause },
    )
  })
  const [first = host, ...others] = found.map(({ address }) => address)
  return { host, addresses: [first, ...others], tcpPort }
}

/** What the line has to let out to reach an endpoint: the way to the proxy, where one is used. */
export function onTheLine(endpoint: Endpoint): Endpoint {
  const proxy = proxyInUse()
  return proxy ? { host: proxy.address, addresses: [proxy.address], tcpPort: proxy.port } : endpoint
}

/** Connects to whichever of its addresses answers first. @throws Error when none does in time. */
export const firstToAnswer = ({ host, addresses, tcpPort }: Endpoint, timeoutMs: number): Promise<Socket> =>
  raceConnect({
    ...{ host, port: tcpPort, timeoutMs },
    lookup: async () => addresses.map((address) => ({ address, family: isIP(address) })),
  })

/** The address at which a host answers; asked only where it has several. @throws UserError when none answers. */
export async function answeringAddress(endpoint: Endpoint, timeoutMs: number): Promise<string> {
  const [first, ...others] = endpoint.addresses
  if (others.length === 0) return first
  const socket = await firstToAnswer(endpoint, timeoutMs).catch((cause) => {
    throw new UserError(`The provider cannot be reached: ${cause.message}.`, { cause })
  })
  const { remoteAddress = first } = socket
  socket.destroy()
  return remoteAddress
}

/** Whether a host is named by an address: then there is nothing to look up. */
export const isAddress = (host: string): boolean => isIP(host) > 0

/** The url of a TLS websocket at an address. @param path - With its slash; left out: any will do. */
export const urlOf = (address: string, port: number, path = ''): string =>
  `wss://${address.includes(':') ? `[${address}]` : address}:${port}${path}`
