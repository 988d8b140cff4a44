import { describe, expect, it } from 'vitest'
import { compare } from './comparison.js'

describe('the contracts and the model of the money', () => {
  it('say the same after every step of random interleavings, refusals included', async () => {
    const { differences, accepted, refused, seen } = await compare(6, 7, 120)
    expect(differences).toEqual([])
    expect(accepted + refused).toBeGreaterThan(720)
    // Enough of either, or the comparison would show little.
    expect(accepted).toBeGreaterThan(400)
    expect(refused).toBeGreaterThan(200)
    for (const operation of [
      'draw',
      'drawBatches',
      'redeem',
      'redeemTo',
      'redeemMany',
      'protest',
      'settleProtest',
      'exit',
      'conclude',
      'repay',
    ])
      expect(seen[operation], operation).toBeGreaterThan(0)
  }, 90_000)
})
