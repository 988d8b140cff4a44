/** A range of addresses, as numbers. */
export interface AddressRange {
  readonly family: 4 | 6
  /** Lowest address. */
  readonly first: bigint
  /** Length of the prefix. */
  readonly bits: number
}

/** Reads `10.86.0.0/16` or `fd00::/64`, bits below the prefix ignored; undefined for anything else. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', length = '', ...more] = text.split('/')
  const value4 = number4(address)
  const value = value4 ?? number6(address)
  const family = value4 === undefined ? 6 : 4
  const width = family === 4 ? 32 : 128
  const bits = Number(length)
  if (value === undefined || !/^\d{1,3}$/.test(length) || bits > width || more.length > 0) return undefined
  const hostBits = BigInt(width - bits)
  return { family, first: (value >> hostBits) << hostBits, bits }
}

/** Whether two ranges have an address in common. Different families never do. */
export function overlap(a: AddressRange, b: AddressRange): boolean {
  if (a.family !== b.family) return false
  const hostBits = BigInt((a.family === 4 ? 32 : 128) - Math.min(a.bits, b.bits))
  return a.first >> hostBits === b.first >> hostBits
}

function number4(text: string): bigint | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined
  const parts = text.split('.').map(Number)
  return parts.some((part) => part > 255)
    ? undefined
    : parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}

function number6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [left = [], right] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - left.length - (right?.length ?? 0)
  if (right === undefined ? missing !== 0 : missing < 1) return undefined
  const words = [...left, ...Array<string>(missing).fill('0'), ...(right ?? [])]
  if (words.some((word) => !/^[0-9a-fA-F]{1,4}$/.test(word))) return undefined
  return words.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n)
}
