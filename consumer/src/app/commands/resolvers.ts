import { isIP } from 'node:net'
import { isLocalAddress } from '../../core/localAddress.js'

/**
 * Resolvers to ask through the tunnel in place of the provider's own.
 *
 * @param text - `provider`, or up to four addresses with commas between them.
 * @returns Undefined for the provider's own.
 * @throws RangeError that says what was seen and what was expected.
 */
export function parseResolvers(text: string): readonly string[] | undefined {
  if (text === 'provider') return undefined
  const servers = text.split(',').map((each) => each.trim())
  if (servers.length > 4)
    throw new RangeError(`--dns names ${servers.length} resolvers; a program asks four at most. Name fewer.`)
  for (const server of servers) {
    if (isIP(server) === 0)
      throw new RangeError(
        `--dns has "${server}", which is no IP address. Give "provider", or addresses such as 9.9.9.9,2620:fe::fe.`,
      )
    if (isLocalAddress(server) || /^(127\.|0\.)/.test(server) || /^::1?$/.test(server))
      throw new RangeError(
        `--dns has ${server}, which lies on this machine or in a local network, and no provider leads there. Give the address of a resolver on the internet, or "provider".`,
      )
  }
  return servers
}
