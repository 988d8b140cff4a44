import { describe, expect, it } from 'vitest'
import { smallestTunnelMtu, tunnelMtuOver, tunnelMtusUpTo } from './tunnelMtu.js'

describe('tunnelMtuOver', () => {
  it('leaves room for the headers of the network, of UDP and of WireGuard', () => {
    expect(tunnelMtuOver(1_500, 4)).toBe(1_440)
    expect(tunnelMtuOver(1_500, 6)).toBe(1_408)
    expect(tunnelMtuOver(1_400, 4)).toBe(1_328)
  })

  it('never lets a padded packet grow beyond the network’s', () => {
    for (let outer = 1_340; outer <= 1_500; outer++)
      expect(Math.ceil(tunnelMtuOver(outer, 4) / 16) * 16 + 60).toBeLessThanOrEqual(outer)
  })

  it('stays between what IPv6 needs and what the internet carries', () => {
    expect(tunnelMtuOver(576, 4)).toBe(1_280)
    expect(tunnelMtuOver(65_536, 6)).toBe(1_440)
  })
})

describe('tunnelMtusUpTo', () => {
  it('has both ends in it, the largest first', () => {
    const sizes = tunnelMtusUpTo(1_440)
    expect(sizes[0]).toBe(1_440)
    expect(sizes.at(-1)).toBe(smallestTunnelMtu)
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
  })

  it('has the smallest alone where nothing larger fits', () => {
    expect(tunnelMtusUpTo(smallestTunnelMtu)).toEqual([smallestTunnelMtu])
  })
})
