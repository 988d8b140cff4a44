import { isIP } from 'node:net'

/**
 * An address as it stands in packets: 4 bytes of IPv4, 16 of IPv6, whose zone is left out.
 *
 * @throws TypeError for anything else.
 */
export function addressBytes(address: string): Buffer {
  const family = isIP(address)
  if (family === 0) throw new TypeError(`${JSON.stringify(address)} is not an IP address.`)
  if (family === 4) return Buffer.from(address.split('.').map(Number))
  // The standard's own reader writes every form in groups of hexadecimal digits.
  const [head = '', tail] = new URL(`http://[${address.replace(/%.*/, '')}]`).hostname
    .slice(1, -1)
    .split('::')
  const groups = (text = '') => (text === '' ? [] : text.split(':'))
  const [left, right] = [groups(head), groups(tail)]
  const all = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  const bytes = Buffer.alloc(16)
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * index)
  return bytes
}
