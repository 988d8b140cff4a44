import { afterEach, describe, expect, it } from 'vitest'
import { type StreetNode, startStreetNode } from '../../shared/src/node/chain/streetNode.fixture.js'
import {
  createMarket,
  type Host,
  type Market,
  playMainFlow,
  startChain,
  startHardhat,
  type TestChain,
} from '../world/index.js'

// The same story on chains that are not anvil's: register, open, serve, draw, redeem, close.

let market: Market | undefined
let node: StreetNode | undefined
afterEach(async () => {
  await market?.destroy()
  await node?.close()
  market = undefined
  node = undefined
})

/** Anvil behind a node that hides all that came with EIP-1559. */
async function startWithoutBaseFee(host: Host): Promise<TestChain> {
  const chain = await startChain(host)
  node = await startStreetNode(chain.rpcUrl, { withoutBaseFee: true, batchLimit: 10 }, { host: '0.0.0.0' })
  // This process is the router of the world.
  return { ...chain, rpcUrl: `http://192.0.2.1:${node.port}` }
}

describe.each([
  ['Hardhat’s node', startHardhat],
  ['a chain without EIP-1559', startWithoutBaseFee],
])('%s', (_name, start) => {
  it('carries the whole main flow, and every token arrives where it belongs', async () => {
    market = await createMarket('dual', { start })
    const money = await playMainFlow(market).catch((error: Error) => {
      throw new Error(`${error.message}\n${market?.world.lastWords()}`)
    })
    expect(money.spent).toBeGreaterThanOrEqual(market.tokens('0.1'))
    expect(money.deposit).toBe(market.tokens('5'))
    expect(money.redeemed + money.hubFee).toBe(money.spent)
    expect(money.returned).toBe(money.deposit - money.spent)
    expect(money.status).toBe(2)
  }, 300_000)
})
