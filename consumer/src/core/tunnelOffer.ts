import type { Result } from '@pontage/shared'
import { isInside, type Network } from './network.js'

/**
 * Whether what a provider gave for a tunnel is what a tunnel may have: private addresses, so that a provider
 * can put itself between us and nobody else. A gateway inside a network of this machine would take the place of a
 * neighbour: a router, a printer, a file server. Names are asked for at a gateway, nowhere else.
 *
 * @param networks - What this machine is part of.
 * @returns What is wrong, or undefined.
 */
export function whyNotTunnel(
  tunnel: Result<'open'>['tunnel'],
  networks: readonly Network[],
): string | undefined {
  for (const field of ['address4', 'gateway4'] as const)
    if (!isPrivate4(tunnel[field])) return `${field} ${tunnel[field]} is not a private IPv4 address`
  for (const field of ['address6', 'gateway6'] as const)
    if (!isPrivate6(tunnel[field])) return `${field} ${tunnel[field]} is not a unique local IPv6 address`
  for (const field of ['address4', 'gateway4', 'address6', 'gateway6'] as const) {
    const own = networks.find((network) => isInside(tunnel[field], network))
    if (own)
      return `${field} ${tunnel[field]} lies in this machine's own network ${own.address}/${own.prefix}`
  }
  if (tunnel.address4 === tunnel.gateway4 || tunnel.address6 === tunnel.gateway6)
    return 'the gateway has the address that is ours'
  const elsewhere = tunnel.dns.find((each) => each !== tunnel.gateway4 && each !== tunnel.gateway6)
  return elsewhere === undefined ? undefined : `its resolver ${elsewhere} is not its gateway`
}

/** RFC 1918, and the carriers' range of RFC 6598. */
function isPrivate4(text: string): boolean {
  const octets = text.split('.').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256))
  const [a = 256, b = 256] = octets
  if (octets.length !== 4 || octets.some((octet) => octet > 255)) return false
  return (
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 100 && b >= 64 && b < 128)
  )
}

/** RFC 4193. */
const isPrivate6 = (text: string): boolean => /^f[cd][0-9a-f]{2}:[0-9a-f:]{1,40}$/i.test(text)
