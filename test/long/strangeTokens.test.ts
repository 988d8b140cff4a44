import { address } from '@pontage/shared'
import { Contract, Wallet } from 'ethers'
import { afterEach, describe, expect, it } from 'vitest'
import { createMarket, type Market, type MoneyOfFlow, playMainFlow, type Turns } from '../world/index.js'

// The main flow, paid in tokens with the habits of those that people have.

let market: Market
afterEach(() => market?.destroy())

async function play(turns: Turns): Promise<MoneyOfFlow> {
  const money = await playMainFlow(market, turns).catch((error: Error) => {
    throw new Error(`${error.message}\n${market.world.lastWords()}`)
  })
  expect(money.spent).toBeGreaterThanOrEqual(market.tokens('0.1'))
  expect(money.redeemed + money.hubFee).toBe(money.spent)
  expect(money.returned).toBe(market.tokens('5') - money.spent)
  expect(money.status).toBe(2)
  return money
}

/** As whoever keeps the token's list: nobody may pay this address any more. */
async function block(who: string): Promise<void> {
  const keeper = new Wallet(market.testChain.keys[1] ?? '', market.chain.rpc)
  const token = new Contract(market.deployment.token, ['function setBlocked(address,bool)'], keeper)
  await (await token.getFunction('setBlocked')(who, true)).wait()
}

describe('a token like USDC: 6 decimals, permits of version 2, a blocklist', () => {
  it('is used without gas; what it refuses to pay beneficiary and consumer is kept, and collected elsewhere', async () => {
    market = await createMarket('dual', { token: { name: 'DollarToken', decimals: 6 } })
    const { channels, token } = market.chain
    const elsewhere = address(Wallet.createRandom().address)
    await block(`0x${'00'.repeat(18)}dEaD`)
    let withheld = 0n
    let provider = ''
    const money = await play({
      redeems: async ({ beneficiary }) => block(beneficiary),
      closes: async (consumer) => block(consumer.address),
      closed: async ({ consumer, provider: running }) => {
        provider = running.program.output()
        for (const person of [running, consumer]) {
          withheld += (await channels.withheldOf(person.address)).amount
          await market.fund(person.address, { coin: '1' })
          await person.run('collect', elsewhere)
          expect((await channels.withheldOf(person.address)).amount).toBe(0n)
        }
      },
    })
    expect(provider).toMatch(/payment withheld.*USDX for you.*pontage-provider collect ADDRESS/)
    expect(withheld).toBe(money.redeemed + money.returned)
    expect(await token.balanceOf(elsewhere)).toBe(withheld)
  }, 300_000)
})

describe('a token like USDT: 6 decimals, no answers, no permits', () => {
  it('is said to need a transaction of the consumer’s own before anything is signed, and then carries everything', async () => {
    market = await createMarket('dual', { token: { name: 'SilentToken', decimals: 6 } })
    await play({
      opens: async ({ consumer, hub }) => {
        const refused = consumer.start(['channel', 'open', '--hub', hub.address, '--amount', '5'])
        expect((await refused.ended).code).toBe(1)
        expect(refused.lines('stderr').join('\n')).toBe(
          `pontage: The token has no permits (ERC-2612), so it takes a transaction of your own to allow the contract to use it. Send ${consumer.address} a little of the chain’s coin for gas, and run this again.`,
        )
        await market.fund(consumer.address, { coin: '1' })
      },
    })
  }, 300_000)
})
