import { type Address, address } from '@pontage/shared'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import {
  alteredRules,
  createMarket,
  eventually,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  programPath,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// One provider, two hubs, three consumers at once: one that pays, one that stops paying, one that pays half. Then one
// hub is gone for good, and the provider is down until its guarantees have run out.

type Running = Person & { program: Program }

const beneficiary: Address = address(`0x${'b6'.repeat(20)}`)
/** A megabyte at 20 tokens for a gigabyte. */
const price = 20_000_000_000_000_000n
const creditBytes = 2_000_000
const hour = 3_600
/** Tokens for one coin: gas that is dearer than anything here is worth. */
const dearCoin = '1000000'
/** A price feed that always says 0.001 tokens: each call is answered by the words 8, 100000, 0, 2^40, 8. */
const feed = {
  address: `0x${'fe'.repeat(20)}`,
  code: '0x6008600052620186a060205265010000000000606052600860805260a06000f3',
}
let market: Market
let near: Running
let gone: Running
let provider: Running
let paying: Person
let stopping: Person
let halving: Person
let session: Program

beforeAll(async () => {
  market = await createMarket()
  const enrolled = await Promise.all([
    openHub(market, 'near', { pool: '100', drawAbove: '1000' }),
    openHub(market, 'gone', { pool: '10', drawAbove: '1000' }),
  ])
  ;[near, gone] = enrolled
  provider = await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [near.address, gone.address], beneficiary, megabits: 80 },
    ...{ redeemAbove: '0.01', clearEvery: 20, flags: ['--grace', '6', '--coin-price', dearCoin] },
  })
  const seated = [
    ['paying', gone],
    ['stopping', near],
    ['halving', near],
  ] as const
  const consumers = await Promise.all(
    seated.map(async ([name, hub]) => {
      const consumer = await seatConsumer(market, name, '20')
      await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '10')
      return consumer
    }),
  )
  const [first, second, third] = consumers
  if (!first || !second || !third) throw new Error('Three consumers were seated.')
  ;[paying, stopping, halving] = [first, second, third]
}, 300_000)
beforeEach(() => onTestFailed(() => console.error(market.world.lastWords())))
afterAll(() => market.destroy())

async function connect(consumer: Person, env: NodeJS.ProcessEnv = {}): Promise<Program> {
  const words = [programPath('pontage'), 'connect', '--json']
  const program = endAfterFailure(consumer, consumer.host.start(words, { env }))
  await logged(program, 'connected', {}, 60_000)
  return program
}

/** Downloads at a consumer's machine; ends with curl's exit code. */
const download = (consumer: Person, size: number, seconds: number) =>
  consumer.host.start([
    ...['curl', '-sS', '--fail', '--max-time', String(seconds), '-o', '/dev/null'],
    market.internet.fileUrl(size),
  ]).ended

/** What the provider forwarded in a consumer's session beyond what it was promised. */
async function givenAway(consumer: Person): Promise<{ given: number; paid: number }> {
  const { downBytes, upBytes, promised } = await logged(
    provider.program,
    'session ended',
    { consumer: consumer.address },
    90_000,
  )
  const paidBytes = Number(BigInt(String(promised)) / price) * 1_000_000
  return { given: Number(downBytes) + Number(upBytes) - paidBytes, paid: paidBytes }
}

interface Books {
  readonly hubs: readonly { readonly hub: string; readonly promised: string }[]
}

/** What the provider holds of promises, less the hubs' fee. */
async function netPromised(): Promise<bigint> {
  const { hubs } = await provider.json<Books>('status')
  return (hubs.reduce((sum, { promised }) => sum + BigInt(promised), 0n) * 98n) / 100n
}

async function passTime(seconds: number): Promise<void> {
  await market.chain.rpc.send('evm_increaseTime', [seconds])
  await market.chain.rpc.send('evm_mine', [])
}

describe('a provider with three consumers at once', { timeout: 300_000 }, () => {
  it('gives one that stops paying the credit and no more, one that pays half what loss explains', async () => {
    // Half of the packets pass its counter by, by a rule in the place of another: as many are looked for as were loaded.
    const half = '/chain download {/,/}/ s/^.* ip6 daddr .* fib saddr .*/    numgen random mod 2 0 accept/'
    const [honest, stopped, cheating] = await Promise.all([
      connect(paying),
      connect(stopping),
      connect(halving, await alteredRules(halving.host, half)),
    ])
    session = honest
    stopped.signal('SIGSTOP')
    const [whole] = await Promise.all([
      download(paying, 4_000_000, 60),
      download(stopping, 20_000_000, 8),
      download(halving, 30_000_000, 25),
    ])
    expect(whole?.code).toBe(0)
    const fromStopping = await givenAway(stopping)
    const fromHalving = await givenAway(halving)
    console.log(
      `given away: ${fromStopping.given} bytes to the consumer that stopped paying, ` +
        `${fromHalving.given} to the one that paid half of what it used (${fromHalving.paid} paid); credit ${creditBytes}`,
    )
    expect(fromStopping.given).toBeLessThanOrEqual(creditBytes)
    // What loss explains, 3 %, and headers, 6 % at most, besides the credit.
    expect(fromHalving.given).toBeLessThanOrEqual(creditBytes + 0.09 * fromHalving.paid)
    stopped.signal('SIGCONT')
    await Promise.all([stopped.stop('SIGKILL'), cheating.stop('SIGKILL')])
  })

  it('serves on when a hub is gone for good', async () => {
    gone.program.signal('SIGKILL')
    await gone.program.ended
    expect((await download(paying, 3_000_000, 60)).code).toBe(0)
    session.signal('SIGINT')
    const ended = await logged(session, 'ended')
    expect((await session.ended).code).toBe(0)
    expect(ended.accepted).toBe(ended.spent)
    await logged(provider.program, 'a redemption waits for cheaper gas', {}, 60_000)
    expect(await market.chain.token.balanceOf(beneficiary)).toBe(0n)
  })

  it('protests what no guarantee covers any more, and is paid to the last unit', async () => {
    provider.program.signal('SIGKILL')
    await provider.program.ended
    await passTime(2 * hour)
    await market.chain.rpc.send('anvil_setCode', [feed.address, feed.code])
    provider.program = provider.start([
      ...['run', '--auto-redeem', '--endpoint', `${provider.host.address}:7800`, '--price', '20/GB'],
      ...['--country', 'DE', '--hub', near.address, '--hub', gone.address],
      ...['--redeem-above', '0.01', '--clear-every', '4', '--grace', '6', '--coin-price', feed.address],
    ])
    await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
    await logged(provider.program, 'protested', { hub: gone.address }, 90_000)
    await passTime(24 * hour + 60)
    await logged(provider.program, 'protest settled', { hub: gone.address }, 90_000)
    const due = await netPromised()
    expect(due).toBeGreaterThan(0n)
    await eventually(
      'everything promised is with the beneficiary',
      async () => (await market.chain.token.balanceOf(beneficiary)) === due,
      90_000,
    )
    console.log(`promised ${due} wei net of fees, all of it paid out`)
    const { total } = await provider.json<{ total: { redeemed: string } }>('earnings', '--by', 'hub')
    expect(total.redeemed).toBe(due.toString())
  })

  it('changes its price and retires in order', async () => {
    const lower = await provider.json<{ inForceAt: number | null }>('price', '10/GB')
    expect(lower.inForceAt).toBeNull()
    const raised = await provider.json<{ inForceAt: number | null }>('price', '11/GB')
    expect(raised.inForceAt).toBeGreaterThan(0)
    await expect(provider.run('price', '19/GB')).rejects.toThrow(/too much at once/)
    // What it offers was told at its first start; a price that cannot be had yet is no reason not to serve.
    expect((await provider.program.stop()).code).toBe(0)
    provider.program = provider.start(['run', '--price', '20/GB'])
    await provider.program.line(/"listening"/, { timeoutMs: 60_000 })
    await logged(provider.program, 'the price rises later', { now: '10 PTT/GB', next: '11 PTT/GB' })
    await logged(provider.program, 'the market does not let the price rise so far within a day')
    const leaving = await provider.json<{ unbondsAt: number; done: boolean }>('retire')
    expect((await provider.program.ended).code).toBe(0)
    expect(await provider.run('offer')).toMatch(/There is no offer on chain/)
    expect(leaving).toMatchObject({ done: false })
    expect(leaving.unbondsAt).toBeGreaterThan(0)
    await expect(provider.run('stake', 'withdraw')).rejects.toThrow(/unbonding until/)
    await passTime(7 * 24 * hour + 60)
    expect(await provider.json('retire')).toMatchObject({ done: true })
    expect((await market.chain.registry.standingOf(provider.address)).unbonding).toBe(0n)
  })
})
