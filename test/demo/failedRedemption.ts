import { join } from 'node:path'
import { type Address, formatTokens } from '@pontage/shared'
import { logged, type Market, type Person, type Program, seatConsumer } from '../world/index.js'
import type { Telling } from './telling.js'

type Running = Person & { readonly program: Program }

const fileBytes = 8_000_000

/**
 * A second consumer pays through the dishonest hub. Its promise is more than its pool holds: the provider redeems all
 * the same, and the contract takes what is missing from the hub's stake.
 */
export async function failedRedemption(
  market: Market,
  who: {
    readonly dishonest: Person
    readonly provider: Running
    readonly beneficiary: Address
    readonly known: (name: string, person: Person) => Person
  },
  tell: Telling,
): Promise<{ readonly slashed: bigint }> {
  const { dishonest, provider, beneficiary } = who
  const { registry, channels, token } = market.chain
  const tokens = (amount: bigint) =>
    `${formatTokens(amount, market.chain.tokenDecimals)} ${market.chain.tokenSymbol}`

  tell.chapter('A neighbour pays through the dishonest hub, whose pool is nearly empty')
  const neighbour = who.known('neighbour', await seatConsumer(market, 'neighbour', '20'))
  await neighbour.json('channel', 'open', '--hub', dishonest.address, '--amount', '5')
  const connect = neighbour.start(['connect', '--hub', dishonest.address, '--cap', '40MB', '--json'])
  await logged(connect, 'connected', {}, 60_000)
  const { host } = neighbour
  await host.run(
    [
      'curl',
      '-sS',
      '--fail',
      '--max-time',
      '60',
      '-o',
      join(host.home, 'file'),
      market.internet.fileUrl(fileBytes),
    ],
    { timeoutMs: 70_000 },
  )
  const stakeBefore = (await registry.standingOf(dishonest.address)).stake
  const { pool } = await channels.hubOf(dishonest.address)
  const paidBefore = await token.balanceOf(beneficiary)
  connect.signal('SIGINT')
  const exit = await connect.ended
  const ended = await logged(connect, 'ended')
  const spent = BigInt(String(ended.spent))
  tell.check(
    `Ctrl-C ended the session cleanly (${ended.reason}); ${tokens(spent)} was promised`,
    exit.code === 0,
  )
  tell.say(`The hub’s pool holds ${tokens(pool)}.`)

  tell.chapter('The provider redeems; the contract slashes the hub')
  await logged(provider.program, 'redeemed', { hub: dishonest.address }, 60_000)
  const paid = (await token.balanceOf(beneficiary)) - paidBefore
  const { stake, faults } = await registry.standingOf(dishonest.address)
  const slashed = stakeBefore - stake
  const owed = spent - (spent * (await channels.feeOf(dishonest.address))) / 10_000n
  tell.check(`the provider was paid ${tokens(paid)}, everything it was owed`, paid === owed)
  tell.check(
    `the hub lost ${tokens(slashed)} of its stake: what its pool lacked, and the same amount again, which was burned`,
    slashed > 0n && slashed === 2n * (owed - pool),
  )
  tell.check('and has a permanent fault', faults === 1n)
  return { slashed }
}
