/** Smallest MTU of IPv6: whoever knows nothing of the path takes it, and it fits nearly every one. */
export const smallestTunnelMtu = 1_280
/** A tunnel's packet in one of 1,500 bytes over IPv4: the internet carries no larger ones. */
export const largestTunnelMtu = 1_440
/** WireGuard pads to a multiple of this many bytes: a size between two of them would travel as the larger one. */
const padding = 16
/** IP and UDP headers, WireGuard's own header and its authentication tag. */
const overhead = { 4: 20 + 8 + 32, 6: 40 + 8 + 32 } as const

/**
 * The tunnel's MTU whose packets fit, whole, into packets of the network that it runs over.
 *
 * @param outer - Bytes of the largest packet that the network takes, headers included.
 * @param family - Of the addresses between which the tunnel's own packets travel.
 */
export function tunnelMtuOver(outer: number, family: 4 | 6): number {
  const fits = Math.floor((outer - overhead[family]) / padding) * padding
  return Math.min(largestTunnelMtu, Math.max(smallestTunnelMtu, fits))
}

/** Sizes to try on a path: the largest first, the smallest one last. */
export function tunnelMtusUpTo(largest: number): readonly number[] {
  const sizes: number[] = []
  for (let size = smallestTunnelMtu; size <= largest; size += padding) sizes.unshift(size)
  return sizes
}
