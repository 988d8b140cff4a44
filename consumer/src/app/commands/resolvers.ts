import { isIP } from 'node:net'
import { isLocalAddress } from '../../core/localAddress.js'

/**
 * Addresses of the machine itself, of several at once, of a carrier's own network, of one link, and of IPv4 in the clothes of
 * IPv6: no provider carries a question there.
 */
const nowhereOutside =
  /^(0|127|22[4-9]|2[3-5]\d)\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^::1?$|^ff..:|^::ffff:|%/

/** As the standard writes it: an address of IPv6 has many forms. */
const canonical = (server: string): string =>
  server.includes(':') && !server.includes('%')
    ? new URL(`http://[${server}]`).hostname.slice(1, -1)
    : server.toLowerCase()

/**
 * Resolvers to ask through the tunnel in place of the provider's own.
 *
 * @param text - `provider`, or up to four addresses with commas between them.
 * @param isOwn - Whether an address is this machine's: what is sent there never goes into its tunnel.
 * @returns Undefined for the provider's own.
 * @throws RangeError that says what was seen and what was expected.
 */
export function parseResolvers(
  text: string,
  isOwn: (address: string) => boolean,
): readonly string[] | undefined {
  if (text === 'provider') return undefined
  const servers = text.split(',').map((each) => each.trim())
  if (servers.length > 4)
    throw new RangeError(`--dns names ${servers.length} resolvers; a program asks four at most. Name fewer.`)
  for (const server of servers) {
    if (isIP(server) === 0)
      throw new RangeError(
        `--dns has "${server}", which is no IP address. Give "provider", or addresses such as 9.9.9.9,2620:fe::fe.`,
      )
    const address = canonical(server)
    if (isLocalAddress(address) || nowhereOutside.test(address) || isOwn(address))
      throw new RangeError(
        `--dns has ${server}, which lies on this machine or in a local network, and no provider leads there. Give the address of a resolver on the internet, or "provider".`,
      )
  }
  return servers
}
