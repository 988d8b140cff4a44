import { keccak256 } from '@pontage/shared/node'

const blooms = new Map<string, string>()

/** A header's filter that speaks of these contracts (Ethereum yellow paper, section 4.3.1); topics are left out. */
export function bloomOf(contracts: readonly string[]): string {
  const key = [...new Set(contracts)].sort().join()
  const known = blooms.get(key)
  if (known) return known
  const bits = Buffer.alloc(256)
  for (const contract of new Set(contracts)) {
    const digest = keccak256(Buffer.from(contract.slice(2), 'hex'))
    for (const at of [0, 2, 4]) {
      const bit = digest.readUInt16BE(at) & 2_047
      const index = 255 - (bit >> 3)
      bits[index] = (bits[index] ?? 0) | (1 << (bit & 7))
    }
  }
  const bloom = `0x${bits.toString('hex')}`
  blooms.set(key, bloom)
  return bloom
}
