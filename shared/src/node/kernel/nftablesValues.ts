import { isIP, isIPv4, isIPv6 } from 'node:net'

// Every value that is put into a ruleset passes through one of these, so that none can write a rule of its own.

/** Families a table can have. */
export type NftFamily = 'inet' | 'ip' | 'ip6' | 'netdev' | 'bridge' | 'arp'

/** Words nft reads as part of its language where a name is expected. */
const keywords = new Set([
  'fwd',
  'meter',
  'map',
  'set',
  'flow',
  'limit',
  'ct',
  'meta',
  'rule',
  'table',
  'chain',
])

/** A name for a table, chain, set, map, counter or quota. @throws TypeError when nft would not read it as one. */
export function nftName(text: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(text) || keywords.has(text))
    throw new TypeError(
      `${JSON.stringify(text)} cannot name a part of a ruleset: a letter, then letters, digits and _.`,
    )
  return text
}

/** Whether a device's name can stand in a rule: the kernel takes others, quotes and asterisks among them. */
export const isPlainInterface = (name: string): boolean => /^[A-Za-z0-9_.@-]{1,15}$/.test(name)

/** An interface name in quotes. @throws TypeError when Linux allows no such interface. */
export function nftInterface(name: string): string {
  if (!isPlainInterface(name))
    throw new TypeError(
      `${JSON.stringify(name)} is not an interface name: 1 to 15 letters, digits, dots and dashes.`,
    )
  return `"${name}"`
}

/** An IPv4 or IPv6 address. @throws TypeError for anything else, names and zones included. */
export function nftAddress(text: string): string {
  if (isIP(text) === 0 || text.includes('%'))
    throw new TypeError(`${JSON.stringify(text)} is not an IP address.`)
  return text
}

/** The word that matches on an address of this family: `ip` or `ip6`. */
export function nftAddressWord(address: string): 'ip' | 'ip6' {
  return isIPv6(nftAddress(address)) ? 'ip6' : 'ip'
}

/** An address range such as `10.0.0.0/8`. @throws TypeError for anything else. */
export function nftRange(text: string): string {
  const [address = '', bits = '', ...more] = text.split('/')
  const most = isIPv4(address) ? 32 : 128
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most || more.length > 0)
    throw new TypeError(`${JSON.stringify(text)} is not an address range like 10.0.0.0/8.`)
  return `${nftAddress(address)}/${bits}`
}

/** A port. @throws TypeError unless it is 1 to 65535. */
export function nftPort(port: number): string {
  return nftNumber(port, 1, 65_535, 'port')
}

/** A firewall mark. @throws TypeError unless it fits 32 bits. */
export function nftMark(mark: number): string {
  return nftNumber(mark, 0, 0xffff_ffff, 'mark')
}

/** A number of bytes, as a quota takes it. @throws TypeError unless it fits 63 bits. */
export function nftBytes(bytes: bigint): string {
  if (bytes < 0n || bytes >= 1n << 63n) throw new TypeError(`${bytes} bytes do not fit a quota.`)
  return `${bytes} bytes`
}

function nftNumber(value: number, least: number, most: number, what: string): string {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new TypeError(`${value} is not a ${what}: a whole number from ${least} to ${most} was expected.`)
  return String(value)
}
