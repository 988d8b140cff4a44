/** A network that this machine is part of: an address in it, and how many leading bits its members share. */
export interface Network {
  readonly address: string
  readonly prefix: number
}

/** Whether an address belongs to a network of the same family. @throws SyntaxError for what is no address */
export function isInside(address: string, network: Network): boolean {
  const isIpv6 = address.includes(':')
  if (isIpv6 !== network.address.includes(':')) return false
  const rest = BigInt((isIpv6 ? 128 : 32) - network.prefix)
  const read = isIpv6 ? numberOf6 : numberOf4
  return read(address) >> rest === read(network.address) >> rest
}

const numberOf4 = (text: string): bigint =>
  text.split('.').reduce((number, octet) => (number << 8n) | BigInt(octet), 0n)

function numberOf6(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const groups = (part: string | undefined) => (part ? part.split(':') : [])
  const [before, after] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].reduce((number, group) => (number << 16n) | BigInt(`0x${group}`), 0n)
}
