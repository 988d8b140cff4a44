import { type Params, unixSeconds, wei } from '@pontage/shared'
import { type Chain, connectChain, type Identity, type Link, signPermit } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type StreetNode, startStreetNode } from '../../../../shared/src/node/chain/streetNode.fixture.js'
import { openPostgresLedger } from '../../io/postgres/postgresLedger.js'
import { startPostgres, type TestPostgres } from '../../postgres.fixture.js'
import { fillPool, hubSettings, openChannel, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, startTestChain, type TestChain, tokens } from '../world.fixture.js'

// What a hub pays for in gas is what it gets a fee for.

let world: TestChain
let server: TestPostgres
let node: StreetNode
let chain: Chain
let hub: Identity
let consumer: Identity
const running: RunningHub[] = []
const links: Link[] = []
const { relayFee } = hubSettings

const start = async (
  ...given: Parameters<typeof startTestHub> extends [unknown, unknown, ...infer Rest] ? Rest : never
) => {
  const started = await startTestHub(world, hub, ...given)
  running.push(started)
  links.push(await dial(world, consumer, started.port))
  return links.at(-1) as Link
}

beforeAll(async () => {
  server = await startPostgres()
  world = await startTestChain()
  hub = await world.person('hub', { tokens: '5000', coin: '10' })
  consumer = await world.person('consumer', { tokens: '200', coin: '1' })
  await world.register(hub, 'hub', '1000')
  await world.register(consumer, 'consumer', '2')
  await fillPool(world, hub, '100')
  await openChannel(world, consumer, hub.address, 1, '5')
  await openChannel(world, consumer, hub.address, 2, '60')
  node = await startStreetNode(world.rpcUrl, { estimatesOnLatest: true })
  chain = await connectChain({ rpc: node.url, deploymentFile: world.deploymentFile, confirmations: 0 })
})
afterAll(async () => {
  for (const link of links) link.close()
  for (const each of running) await each.close()
  chain?.close()
  await node?.close()
  await world?.close()
  await server?.stop()
})

const soon = async () => unixSeconds((await world.chain.head()).at + 3_600)

/** Documents of which the chain takes one: all of them bear the same nonce. */
async function rivals(count: number): Promise<Params<'relay-deposit'>[]> {
  const { nonce } = await world.chain.registry.standingOf(consumer.address)
  const deadline = await soon()
  const permit = await signPermit(world.chain, consumer, world.deployment.registry, tokens('50'), deadline)
  return Array.from({ length: count }, (_, more) => {
    const amount = wei(tokens('0.1') + BigInt(more))
    const terms = { consumer: consumer.address, hub: hub.address, channelNonce: 1, amount, relayFee }
    const document = { ...terms, nonce, deadline }
    return { deposit: world.typedData.signed('Deposit', document, consumer.privateKey), permit }
  })
}

it('sends one of several documents of which the chain takes one, whichever process is asked', async () => {
  await world.rpc('evm_setAutomine', false)
  const url = await server.database()
  const [first, second] = [
    await start(await openPostgresLedger(url), { chain }),
    await start(await openPostgresLedger(url), { chain }),
  ]
  const sent = () => world.chain.rpc.getTransactionCount(hub.address)
  const [sentBefore, had] = [await sent(), await world.chain.token.balanceOf(hub.address)]
  const answered: Awaited<ReturnType<Link['request']>>[] = []
  const asked = (await rivals(8)).map(async (each, n) => {
    const answer = await (n % 2 ? first : second).request('relay-deposit', each, 60_000)
    answered.push(answer)
    return answer
  })
  // The one that is sent waits for its block: it is to be under way for all others, however late they are asked.
  await vi.waitFor(() => expect(answered).toHaveLength(7), { timeout: 60_000 })
  await world.rpc('evm_setAutomine', true)
  await world.rpc('evm_mine')
  const answers = await Promise.all(asked)
  expect(answers.filter(({ ok }) => ok)).toHaveLength(1)
  for (const answer of answers.filter(({ ok }) => !ok))
    expect(answer).toMatchObject({ refusal: { peerCode: 'relay-under-way' } })
  expect(await world.chain.token.balanceOf(hub.address)).toBe(had + relayFee)
  expect((await sent()) - sentBefore).toBe(1)
  // What comes after it is sent as ever.
  const [next] = await rivals(1)
  expect(await first.request('relay-deposit', next as Params<'relay-deposit'>, 60_000)).toMatchObject({
    ok: true,
  })
})

it('finishes an exit for the fee that was signed with it, though gas costs more than its lowest fee', async () => {
  const link = await start('dear.sqlite', { settings: { coinPrice: tokens('2000') } })
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 2 }
  const dearGas = async () => {
    await world.rpc('anvil_setNextBlockBaseFeePerGas', `0x${(100n * 10n ** 9n).toString(16)}`)
    await world.rpc('evm_mine')
  }
  await dearGas()
  const described = await link.request('describe', {})
  const quoted = described.ok ? described.value.relayFees.exit : wei(0n)
  expect(quoted).toBeGreaterThan(relayFee)
  const channelId = await world.chain.channels.channelIdOf(channel)
  const exit = world.typedData.signed(
    'ExitRequest',
    { channelId: channelId as `0x${string}`, relayFee: quoted, deadline: await soon() },
    consumer.privateKey,
  )
  expect(await link.request('relay-exit', { channel, exit }, 60_000)).toMatchObject({ ok: true })
  const { exitDelay } = await world.chain.channels.settings()
  await world.rpc('evm_increaseTime', Number(exitDelay) + 1)
  await dearGas()
  const before = await world.chain.token.balanceOf(hub.address)
  const finished = await link.request('relay-finish', { channel, protesters: [] }, 60_000)
  expect(finished).toMatchObject({ ok: true })
  expect((await world.chain.token.balanceOf(hub.address)) - before).toBe(quoted)
})
