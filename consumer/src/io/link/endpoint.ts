import { lookup } from 'node:dns/promises'
import { UserError } from '@pontage/shared/node'

/** A provider's endpoint: the address to connect to, its port, and the url of the websocket behind it. */
export interface Endpoint {
  readonly address: string
  readonly tcpPort: number
  readonly url: string
}

/**
 * Resolves `host:port` of a proposal. Done while names can still be asked for: behind the kill switch only
 * the address counts.
 *
 * @throws UserError when it is no endpoint or its name is not known.
 */
export async function resolveEndpoint(endpoint: string): Promise<Endpoint> {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(endpoint)
  const host = match?.[1] ?? match?.[2]
  const tcpPort = Number(match?.[3])
  if (host === undefined || tcpPort < 1 || tcpPort > 65_535)
    throw new UserError(`The offer's endpoint "${endpoint}" is not host:port. Choose another provider.`)
  const { address } = await lookup(host).catch((cause) => {
    throw new UserError(
      `The address of the provider's host "${host}" is not known. Check the network, or choose another provider.`,
      { cause },
    )
  })
  return { address, tcpPort, url: urlOf(address, tcpPort) }
}

/** The url of a TLS websocket at an address. */
export const urlOf = (address: string, port: number): string =>
  `wss://${address.includes(':') ? `[${address}]` : address}:${port}`
