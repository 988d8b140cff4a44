import { join } from 'node:path'
import { channelIdOf, finalState, type Hex, signChannelState } from '@pontage/shared'
import { type Chain, connectChain, createLog, createSender, type Identity } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { Ledger } from '../io/ledger.js'
import { openSqliteLedger } from '../io/sqlite/sqliteLedger.js'
import { type RunningHub, startHub } from './hub.js'
import {
  dial,
  eventually,
  promiseOf,
  requestOf,
  startTestChain,
  type TestChain,
  tokens,
} from './world.fixture.js'

// Deeper than anybody relied upon: whatever the hub took for certain is undone, and must be taken back or done again.

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

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
  world = await startTestChain()
  hub = await world.person('hub', { tokens: '5000', coin: '10' })
  consumer = await world.person('consumer', { tokens: '100', coin: '1' })
  provider = await world.person('provider', { tokens: '100', coin: '1' })
  await world.register(hub, 'hub', '1000')
  await world.register(consumer, 'consumer', '1')
  await world.register(provider, 'provider', '50')
})
afterAll(() => world?.close())
beforeEach(async () => {
  chain = await connectChain({ rpc: world.rpcUrl, deploymentFile: world.deploymentFile, confirmations: 2 })
  const { token, channels } = world.chain
  const sender = createSender(world.chain, consumer)
  await sender.send(token.approve.populateTransaction(world.deployment.channels, tokens('5')))
  await sender.send(channels.open.populateTransaction(hub.address, ++nonce, tokens('5')))
  channelId = channelIdOf({ ...channel(), chainId: 31_337 })
  await mine(3)
  const file = join(world.folder, `reorganised ${nonce}.sqlite`)
  running = await startHub({
    chain,
    identity: hub,
    ledger: await openSqliteLedger(file),
    host: '127.0.0.1',
    port: 0,
    settings: {
      relayFee: tokens('0.01'),
      relaysPerDay: 20,
      relaysPerDayInAll: 100,
      gasWarnBelow: 0n,
      drainSeconds: 0,
      publicMetrics: false,
      guaranteeSeconds: 3_600,
      drawAbove: tokens('0.4'),
      pollMs: 20,
    },
    log: createLog('hub', 'error'),
  })
  ledger = await openSqliteLedger(file)
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
  const signature = await signChannelState(state, consumer.privateKey.bytes())
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
