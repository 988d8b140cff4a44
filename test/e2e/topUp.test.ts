import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import {
  createMarket,
  logged,
  type Market,
  openHub,
  openProvider,
  type Person,
  type Program,
  seatConsumer,
} from '../world/index.js'
import { endAfterFailure } from './endAfterFailure.js'

// A consumer without a coin for gas: it adds to its channel, to its stake, and takes it out again, by itself or while it
// is connected.

let market: Market
let consumer: Person
let hub: Awaited<ReturnType<typeof openHub>>

beforeAll(async () => {
  market = await createMarket()
  hub = await openHub(market, 'hub', { pool: '100', drawAbove: '1000' })
  // 0.1 tokens a second at most.
  await openProvider(market, 'provider', {
    ...{ price: '20/GB', country: 'DE', hubs: [hub.address], megabits: 40 },
    beneficiary: market.deployer,
  })
  consumer = await seatConsumer(market, 'consumer', '20')
  await consumer.run('channel', 'open', '--hub', hub.address, '--amount', '1')
})
afterAll(() => market.destroy())
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.log(market.world.lastWords())
})

const balance = async (): Promise<bigint> => {
  const {
    channels: [channel],
  } = await consumer.json<{ channels: { balance: string }[] }>('channel', 'status')
  return BigInt(channel?.balance ?? 0)
}
const rule = (limit: string) => ['--top-up', '1', '--top-up-below', '0.7', '--top-up-limit', limit]
const connect = async (...args: readonly string[]): Promise<Program> => {
  const program = endAfterFailure(consumer, consumer.start(['connect', '--json', ...args]))
  await logged(program, 'connected', {}, 60_000)
  return program
}
const disconnect = async (program: Program): Promise<void> => {
  await consumer.run('disconnect')
  await program.ended
}
const download = (bytes: number) =>
  consumer.host.run(['curl', '-sS', '--fail', '-o', '/dev/null', market.internet.fileUrl(bytes)], {
    timeoutMs: 120_000,
  })

it('refills its channel while it is connected, and goes on past what it had locked', async () => {
  expect(await market.chain.rpc.getBalance(consumer.address)).toBe(0n)
  const program = await connect(...rule('1'))
  // The channel held 50 megabytes.
  await download(65_000_000)
  await logged(program, 'topped-up')
  expect(await balance()).toBe(market.tokens('2'))
  // What is left is less than it should be, and the month’s limit is reached: that is said.
  const { message } = await logged(program, 'not-topped-up', {}, 60_000)
  expect(message).toMatch(/--top-up-limit/)
  await disconnect(program)
}, 240_000)

it('refills an empty channel before it connects, where it may', async () => {
  const other = await seatConsumer(market, 'other', '20')
  await other.run('channel', 'open', '--hub', hub.address, '--amount', '0.001')
  const refused = other.start(['connect', '--json'])
  expect((await refused.ended).code).not.toBe(0)
  expect(refused.output()).toMatch(/has too little left for one megabyte/)
  const program = other.start(['connect', '--json', '--top-up', '1', '--top-up-limit', '1'])
  expect((await logged(program, 'topped-up', {}, 60_000)).message).toMatch(/^Added 1 .* charged 0\.01 /)
  await logged(program, 'connected', {}, 60_000)
  await other.run('disconnect')
  await program.ended
  const {
    channels: [channel],
  } = await other.json<{ channels: { balance: string }[] }>('channel', 'status')
  expect(BigInt(channel?.balance ?? 0)).toBe(market.tokens('1.001'))
}, 240_000)

it('adds no more after a restart than the month allows', async () => {
  const program = await connect(...rule('1'))
  expect((await logged(program, 'not-topped-up', {}, 60_000)).message).toMatch(/--top-up-limit/)
  expect(await balance()).toBe(market.tokens('2'))
  await disconnect(program)
}, 120_000)

it('adds to its channel and its stake, and begins to take the stake out, by a hub', async () => {
  const stake = async () => (await market.chain.registry.standingOf(consumer.address)).stake
  expect(await consumer.run('channel', 'top-up', '--amount', '1')).toMatch(
    /sent by 0x[0-9a-f]{40} for 0\.01 /,
  )
  expect(await balance()).toBe(market.tokens('3'))
  await consumer.run('stake', 'add', '2')
  expect(await stake()).toBe(market.tokens('3'))
  await consumer.run('unbond', '1')
  expect(await stake()).toBe(market.tokens('2'))
  await consumer.run('stake', 'cancel')
  expect(await stake()).toBe(market.tokens('3'))
}, 240_000)

it('sends it itself where it has coin for gas', async () => {
  await market.fund(consumer.address, { coin: '1' })
  const before = await balance()
  const { transaction, relayedBy } = await consumer.json<{ transaction: string; relayedBy: string | null }>(
    ...['channel', 'top-up', '--amount', '1'],
  )
  expect(relayedBy).toBeNull()
  const addedIn = (await market.chain.rpc.getTransactionReceipt(transaction))?.blockNumber ?? Number.NaN
  // Whoever connects next is guaranteed what was added.
  expect(await market.chain.rpc.getBlockNumber()).toBeGreaterThan(addedIn)
  expect((await balance()) - before).toBe(market.tokens('1'))
  const program = await connect('--top-up', '1', '--top-up-below', '9', '--top-up-limit', '2')
  expect((await logged(program, 'topped-up', {}, 60_000)).message).not.toMatch(/charged/)
  expect((await balance()) - before).toBe(market.tokens('2'))
  await disconnect(program)
}, 240_000)

it('takes its stake out by a hub, for a fee from what it gets', async () => {
  await market.chain.rpc.send('anvil_setBalance', [consumer.address, '0x0'])
  await consumer.run('unbond', '2')
  await market.chain.rpc.send('evm_increaseTime', [7 * 86_400 + 1])
  await market.chain.rpc.send('evm_mine', [])
  const before = await market.chain.token.balanceOf(consumer.address)
  await consumer.run('stake', 'withdraw')
  expect((await market.chain.token.balanceOf(consumer.address)) - before).toBe(market.tokens('1.99'))
  expect(await market.chain.rpc.getBalance(consumer.address)).toBe(0n)
}, 240_000)
