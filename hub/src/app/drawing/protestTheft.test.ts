import { type ChannelParties, finalState, type Hex, systemClock, unixSeconds, wei } from '@pontage/shared'
import { createSender, type Identity, type Link, signChannelState } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { openSqliteLedger } from '../../io/sqlite/sqliteLedger.js'
import { fillPool, hubSettings, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import { dial, eventually, promiseOf, requestOf, type TestChain, tokens } from '../world.fixture.js'
import { requestDraw } from './drawRequest.js'

// A consumer and a provider who has a guarantee of the hub's try to have the same collateral paid twice: once by the
// hub's promise, once by somebody else's protest.

let world: TestChain
let hub: Identity
let provider: Identity
let consumer: Identity
let accomplices: Identity[]
let snapshot: unknown
const open: { close(): unknown }[] = []

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
  accomplices = await Promise.all(
    ['first', 'second', 'third'].map((name) => world.person(`${name} accomplice`, { coin: '1' })),
  )
})
afterAll(() => world.close())
beforeEach(async () => {
  snapshot = await world.rpc('evm_snapshot')
})
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
  await world.rpc('evm_revert', snapshot)
})

const partiesOf = (nonce: number): ChannelParties => ({
  consumer: consumer.address,
  hub: hub.address,
  nonce,
})

/** Starts a hub with a pool of 100 to which nothing but a deadline is worth a transaction. */
async function startWithPool(name: string) {
  await fillPool(world, hub, '100')
  const running = await startTestHub(world, hub, name)
  open.push(running)
  const link = await dial(world, provider, running.port, {
    requests: {
      release: ({ channel }) => {
        const { channelId } = channels.find(({ nonce }) => nonce === channel.nonce) as Opened
        const upTo = unixSeconds(systemClock.now() + 2 * 86_400)
        const terms = { provider: provider.address, channelId, amount: tokens('0'), upTo }
        const release = world.typedData.signed('Release', terms, provider.privateKey)
        return { ok: true, value: { release } }
      },
    },
  })
  open.push(link)
  channels.length = 0
  return { ...running, provider: link }
}

interface Opened {
  readonly nonce: number
  readonly channelId: Hex
  readonly amount: string
}
const channels: Opened[] = []

async function openGuaranteed(link: Link, nonce: number, amount: string): Promise<Opened> {
  const channelId = await openChannel(world, consumer, hub.address, nonce, amount)
  channels.push({ nonce, channelId, amount })
  const request = requestOf(world, consumer, channelId, provider.address, tokens(amount))
  expect(await link.request('guarantee', { channel: partiesOf(nonce), request })).toMatchObject({ ok: true })
  return { nonce, channelId, amount }
}

async function protest(by: Identity, { nonce, channelId }: Opened, amount: string, to = by): Promise<void> {
  const promise = promiseOf(world, consumer, channelId, to.address, tokens(amount))
  await createSender(world.chain, by).send(
    world.chain.channels.protest.populateTransaction(
      partiesOf(nonce),
      to.address,
      promise.amount,
      promise.signature,
    ),
  )
}

async function clear(link: Link, { channelId, amount }: Opened) {
  const promises = [promiseOf(world, consumer, channelId, provider.address, tokens(amount))]
  const cleared = await link.request('clear', { promises })
  if (!cleared.ok || cleared.value.refused.length > 0) throw new Error(JSON.stringify(cleared))
  return cleared.value
}

/** Consumer and hub sign the end of a channel. A protest keeps it off the chain for now. */
async function conclude(port: number, { nonce }: Opened): Promise<void> {
  const link = await dial(world, consumer, port)
  const draft = await link.request('close-draft', { channel: partiesOf(nonce) })
  if (!draft.ok) throw new Error(JSON.stringify(draft))
  const state = finalState(world.deployment, partiesOf(nonce), draft.value)
  const signature = await signChannelState(state, consumer.privateKey)
  await link.request('conclude', { channel: partiesOf(nonce), ...draft.value, signature })
  link.close()
}

async function pass(seconds: number): Promise<void> {
  await world.rpc('evm_increaseTime', seconds)
  await world.rpc('anvil_mine', '0x1')
}

/** Lets the protests' window pass, stopping once before its end as chains do, until nothing is left to take. */
async function passWindow(): Promise<void> {
  const { protestWindow } = await world.chain.channels.settings()
  await pass(Number(protestWindow) - hubSettings.guaranteeSeconds / 2)
  for (let block = 0; block < 20; block++) {
    await world.rpc('anvil_mine', '0x1')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await pass(hubSettings.guaranteeSeconds)
  await eventually(async () => {
    await world.rpc('anvil_mine', '0x1')
    const views = await Promise.all(
      channels.map(({ channelId }) => world.chain.channels.channelOf(channelId)),
    )
    return views.every(({ openProtests, balance }) => openProtests === 0n || balance === 0n)
  })
}

/** What the pool holds once the provider has redeemed all that the hub promised. */
async function poolAfter({ total, signature }: { total: bigint; signature: Hex }): Promise<bigint> {
  await createSender(world.chain, provider).send(
    world.chain.channels.redeem.populateTransaction({
      ...{ hub: hub.address, provider: provider.address, total, signature },
    }),
  )
  return (await world.chain.channels.hubOf(hub.address)).pool
}

it.each([
  ['one channel of 9', 1, '9', false],
  ['one channel of 9 that is concluded behind the protest', 1, '9', true],
  ['five channels of 9', 5, '9', true],
  ['one channel of 45', 1, '45', true],
])('loses nothing of its pool to a protest of somebody else: %s', async (_what, count, amount, concludes) => {
  const { port, provider: link } = await startWithPool(`${count}x${amount}-${concludes}.sqlite`)
  let promised = { total: wei(0n), signature: '0x' as Hex }
  for (let nonce = 1; nonce <= count; nonce++) {
    const channel = await openGuaranteed(link, nonce, amount)
    await protest(accomplices[0] as Identity, channel, amount)
    promised = await clear(link, channel)
    if (concludes) await conclude(port, channel)
  }
  await passWindow()
  expect(await poolAfter(promised)).toBeGreaterThanOrEqual(tokens('100'))
})

it('draws on command what it holds on a channel that is protested, though a final state is signed', async () => {
  const { port, provider: link } = await startWithPool('now.sqlite')
  const channel = await openGuaranteed(link, 1, '9')
  await protest(accomplices[0] as Identity, channel, '9')
  const promised = await clear(link, channel)
  await conclude(port, channel)
  const operator = await openSqliteLedger(`${world.folder}/now.sqlite`)
  open.push(operator)
  const { drawn } = await world.chain.channels.tabOf(channel.channelId, provider.address)
  const came = await requestDraw(operator, 10_000)
  expect([drawn, came.map(({ amount }) => BigInt(amount))]).toEqual([0n, [tokens('9')]])
  expect(await poolAfter(promised)).toBeGreaterThanOrEqual(tokens('100'))
})

it('loses nothing to several accomplices, of whom the provider itself is one with less than it clears', async () => {
  const { provider: link } = await startWithPool('several.sqlite')
  const channel = await openGuaranteed(link, 1, '9')
  for (const accomplice of accomplices) await protest(accomplice, channel, '3')
  await protest(provider, channel, '1')
  const promised = await clear(link, channel)
  await passWindow()
  expect(await poolAfter(promised)).toBeGreaterThanOrEqual(tokens('100'))
})

it('loses nothing when somebody else settles at the first moment it may', async () => {
  const { provider: link } = await startWithPool('first.sqlite')
  const channel = await openGuaranteed(link, 1, '9')
  const [accomplice] = accomplices as [Identity]
  await protest(accomplice, channel, '9')
  const promised = await clear(link, channel)
  const { protestWindow } = await world.chain.channels.settings()
  await pass(Number(protestWindow) - hubSettings.guaranteeSeconds / 2)
  await eventually(async () => {
    await world.rpc('anvil_mine', '0x1')
    return (await world.chain.channels.tabOf(channel.channelId, provider.address)).drawn === tokens('9')
  })
  await world.rpc('evm_increaseTime', hubSettings.guaranteeSeconds)
  await createSender(world.chain, accomplice).send(
    world.chain.channels.settleProtest.populateTransaction(partiesOf(1), accomplice.address),
  )
  expect(await poolAfter(promised)).toBeGreaterThanOrEqual(tokens('100'))
})
