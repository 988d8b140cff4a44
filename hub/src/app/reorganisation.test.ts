import { join } from 'node:path'
import { finalState, type Hex } from '@pontage/shared'
import { type Chain, connectChain, type Identity, signChannelState } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Ledger } from '../io/ledger.js'
import { openSqliteLedger } from '../io/sqlite/sqliteLedger.js'
import { openChannel, startScene, startTestHub } from './hub.fixture.js'
import type { RunningHub } from './hub.js'
import { dial, eventually, promiseOf, requestOf, type TestChain, tokens } from './world.fixture.js'

// Deeper than anybody relied upon: whatever the hub took for certain is undone, and must be taken back or done again.

let world: TestChain
let chain: Chain
let hub: Identity
let consumer: Identity
let provider: Identity
let running: RunningHub
let ledger: Ledger
let nonce = 0
let channelId: Hex
const channel = () => ({ consumer: consumer.address, hub: hub.address, nonce })
const mine = (blocks: number) => world.rpc('anvil_mine', `0x${blocks.toString(16)}`)

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
})
afterAll(() => world?.close())
beforeEach(async () => {
  chain = await connectChain({ rpc: world.rpcUrl, deploymentFile: world.deploymentFile, confirmations: 2 })
  channelId = await openChannel(world, consumer, hub.address, ++nonce, '5')
  await mine(3)
  const name = `reorganised ${nonce}.sqlite`
  running = await startTestHub(world, hub, name, { chain, settings: { drawAbove: tokens('0.4') } })
  ledger = await openSqliteLedger(join(world.folder, name))
})
afterEach(async () => {
  await world.rpc('evm_setAutomine', true)
  await running?.close()
  await ledger?.close()
  chain?.close()
})

/** Replaces the newest blocks, down to the one in which `since` was the next, by empty ones. */
async function reorganiseSince(since: number): Promise<void> {
  await world.rpc('evm_setAutomine', false)
  await world.rpc('anvil_reorg', (await world.chain.head()).number - since, [])
}

it('takes a draw back that the chain took back, and draws again, once', async () => {
  const link = await dial(world, provider, running.port)
  const guaranteed = await link.request('guarantee', {
    channel: channel(),
    request: requestOf(world, consumer, channelId, provider.address, tokens('2')),
  })
  expect(guaranteed).toMatchObject({ ok: true })
  const before = (await world.chain.head()).number
  // An empty pool: it is drawn before anything is promised, and only what is drawn deep enough counts.
  const clearing = link.request('clear', {
    promises: [promiseOf(world, consumer, channelId, provider.address, tokens('0.5'))],
  })
  const drawn = async () => (await world.chain.channels.tabOf(channelId, provider.address)).drawn
  await eventually(async () => (await drawn()) === tokens('0.5'))
  await mine(4)
  const balance = async () => (await ledger.channel(channelId))?.balance
  await eventually(async () => (await balance()) === tokens('4.5'))
  await clearing

  await reorganiseSince(before)
  expect(await drawn()).toBe(0n)
  await eventually(async () => (await balance()) === tokens('5'))
  expect((await ledger.accounts()).find((each) => each.provider === provider.address)?.credited).toBe(0n)
  await world.rpc('evm_setAutomine', true)
  await eventually(async () => {
    await mine(1)
    return (await drawn()) === tokens('0.5') && (await balance()) === tokens('4.5')
  })
  const events = await world.chain.channels.queryFilter(world.chain.channels.filters.Drawn(channelId), before)
  expect(events).toHaveLength(1)
  link.close()
})

it('concludes again what the chain took back', async () => {
  const before = (await world.chain.head()).number
  const link = await dial(world, consumer, running.port)
  const draft = await link.request('close-draft', { channel: channel() })
  if (!draft.ok) throw new Error(JSON.stringify(draft))
  const state = finalState(world.deployment, channel(), draft.value)
  const signature = await signChannelState(state, consumer.privateKey)
  expect(await link.request('conclude', { channel: channel(), ...draft.value, signature })).toMatchObject({
    ok: true,
  })
  await mine(4)
  await eventually(async () => (await ledger.channel(channelId))?.status === 'closed')

  await reorganiseSince(before)
  const status = async () => Number((await world.chain.channels.channelOf(channelId)).status)
  expect(await status()).toBe(1)
  await eventually(async () => (await ledger.channel(channelId))?.status === 'open')
  await world.rpc('evm_setAutomine', true)
  await eventually(async () => {
    await mine(1)
    return (await status()) === 2
  })
  link.close()
})
