import { join } from 'node:path'
import {
  type Address,
  finalState,
  type Hex,
  netOf,
  systemClock,
  unixSeconds,
  type Wei,
  wei,
} from '@pontage/shared'
import {
  type Chain,
  connectChain,
  createSender,
  type Identity,
  type Log,
  signChannelState,
} from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { honestRules, type Rules } from '../../core/rules.js'
import { backUp } from '../../io/sqlite/backup.js'
import { openSqliteLedger } from '../../io/sqlite/sqliteLedger.js'
import { fillPool, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import { dial, eventually, promiseOf, requestOf, type TestChain, tokens } from '../world.fixture.js'
import { requestDraw } from './drawRequest.js'

let world: TestChain
let hub: Identity
let provider: Identity
let consumer: Identity
const open: { close(): unknown }[] = []
let snapshot: unknown

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
})
afterAll(() => world.close())
beforeEach(async () => {
  snapshot = await world.rpc('evm_snapshot')
})
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
  await world.rpc('evm_revert', snapshot)
})

async function start({
  pool,
  name = `${expect.getState().currentTestName}.sqlite`,
  drawAbove,
  poolWarnBelow,
  ...more
}: {
  drawAbove?: Wei
  pool?: string
  chain?: Chain
  rules?: Rules
  log?: Log
  name?: string
  poolWarnBelow?: Wei
} = {}) {
  if (pool !== undefined) await fillPool(world, hub, pool)
  const settings = { ...(drawAbove ? { drawAbove } : {}), ...(poolWarnBelow ? { poolWarnBelow } : {}) }
  const running = await startTestHub(world, hub, name, { ...more, settings })
  open.push(running)
  return running
}

const openOwn = (nonce: number, amount: string) => openChannel(world, consumer, hub.address, nonce, amount)

async function guaranteed(port: number, channelId: Hex, nonce: number, ceiling: string) {
  const link = await dial(world, provider, port)
  open.push(link)
  const answer = await link.request('guarantee', {
    channel: { consumer: consumer.address, hub: hub.address, nonce },
    request: requestOf(world, consumer, channelId, provider.address, tokens(ceiling)),
  })
  return { link, answer }
}

const pay = (channelId: Hex, amount: string) => ({
  promises: [promiseOf(world, consumer, channelId, provider.address, tokens(amount))],
})
const drawn = async (channelId: Hex, to: Address = provider.address) =>
  (await world.chain.channels.tabOf(channelId, to)).drawn

it('draws before it promises more than its pool covers', async () => {
  const { port } = await start()
  const channelId = await openOwn(1, '5')
  const { link, answer } = await guaranteed(port, channelId, 1, '3')
  expect(answer).toMatchObject({ ok: true })
  expect(await link.request('clear', pay(channelId, '1'))).toMatchObject({
    ok: true,
    value: { total: netOf(tokens('1'), 200) },
  })
  expect(await drawn(channelId)).toBe(tokens('1'))
})

it('advances from the pool, and draws once it is worth it', async () => {
  const { port } = await start({ pool: '100', drawAbove: tokens('2') })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(port, channelId, 1, '3')
  await link.request('clear', pay(channelId, '1.9'))
  expect(await drawn(channelId)).toBe(0n)
  await link.request('clear', pay(channelId, '2'))
  await eventually(async () => (await drawn(channelId)) === tokens('2'))
})

/** Lets the chain's time pass, without a transaction. */
async function pass(seconds: number): Promise<void> {
  await world.rpc('evm_increaseTime', seconds)
  await world.rpc('anvil_mine', '0x1')
}

/** By then a hub draws that gives guarantees for an hour: a quarter of it before they end. */
const untilDrawn = 3_000

it('draws while its guarantee lives when the consumer asks to leave alone, many small clears at once', async () => {
  const { port } = await start({ pool: '100' })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(port, channelId, 1, '3')
  await link.request('clear', pay(channelId, '0.5'))
  await createSender(world.chain, consumer).send(
    world.chain.channels.requestExit.populateTransaction(hub.address, 1),
  )
  const sent = await world.chain.rpc.getTransactionCount(hub.address)
  for (let clear = 1; clear <= 15; clear++) {
    await link.request('clear', pay(channelId, `0.${500 + clear}`))
    await world.rpc('anvil_mine', '0x1')
  }
  await pass(untilDrawn)
  await eventually(async () => (await drawn(channelId)) === tokens('0.515'))
  expect((await world.chain.rpc.getTransactionCount(hub.address)) - sent).toBe(1)
  const { answer } = await guaranteed(port, channelId, 1, '3.1')
  expect(answer).toMatchObject({ refusal: { peerCode: 'exit-begun' } })
})

it('draws while its guarantee lives when a provider protests', async () => {
  const { port } = await start({ pool: '100' })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(port, channelId, 1, '3')
  await link.request('clear', pay(channelId, '0.5'))
  const { amount, signature } = promiseOf(world, consumer, channelId, provider.address, tokens('0.6'))
  await createSender(world.chain, provider).send(
    world.chain.channels.protest.populateTransaction(
      { consumer: consumer.address, hub: hub.address, nonce: 1 },
      provider.address,
      amount,
      signature,
    ),
  )
  await pass(untilDrawn)
  await eventually(async () => (await drawn(channelId)) === tokens('0.5'))
})

it('settles a protest once its window is over, for the fee that it brings', async () => {
  const { port } = await start({ pool: '100' })
  const channelId = await openOwn(1, '5')
  // The hub has seen the channel when it answers; it guaranteed nothing, so the promise is the consumer's alone.
  expect((await guaranteed(port, channelId, 1, '6')).answer.ok).toBe(false)
  const { amount, signature } = promiseOf(world, consumer, channelId, provider.address, tokens('2'))
  await createSender(world.chain, provider).send(
    world.chain.channels.protest.populateTransaction(
      { consumer: consumer.address, hub: hub.address, nonce: 1 },
      provider.address,
      amount,
      signature,
    ),
  )
  const { protestWindow } = await world.chain.channels.settings()
  await world.rpc('evm_increaseTime', Number(protestWindow) - 60)
  await world.rpc('anvil_mine', '0x1')
  const sent = await world.chain.rpc.getTransactionCount(hub.address)
  await world.rpc('evm_increaseTime', 120)
  await eventually(async () => {
    await world.rpc('anvil_mine', '0x1')
    return (await drawn(channelId)) === tokens('2')
  })
  expect((await world.chain.channels.hubOf(hub.address)).pool).toBe(tokens('100.04'))
  expect((await world.chain.rpc.getTransactionCount(hub.address)) - sent).toBe(1)
})

it('does not draw at every clear beside a protest that nobody will settle', async () => {
  const { port } = await start({ pool: '100' })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(port, channelId, 1, '3')
  const accomplice = await world.person('accomplice', { coin: '1' })
  // For a single unit the hub would have no fee.
  const { amount, signature } = promiseOf(world, consumer, channelId, accomplice.address, 1n)
  await createSender(world.chain, accomplice).send(
    world.chain.channels.protest.populateTransaction(
      { consumer: consumer.address, hub: hub.address, nonce: 1 },
      accomplice.address,
      amount,
      signature,
    ),
  )
  const { protestWindow } = await world.chain.channels.settings()
  await pass(Number(protestWindow) + 60)
  const sent = await world.chain.rpc.getTransactionCount(hub.address)
  for (let clear = 1; clear <= 10; clear++) {
    expect(await link.request('clear', pay(channelId, `0.${500 + clear}`))).toMatchObject({ ok: true })
    await world.rpc('anvil_mine', '0x1')
    await eventually(async () => world.chain.rpc.getTransactionCount(hub.address).then((now) => now > sent))
  }
  expect((await world.chain.rpc.getTransactionCount(hub.address)) - sent).toBe(1)
})

it('draws nothing for a stranger who asks for an end before it is due', async () => {
  const { port } = await start({ pool: '100' })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(port, channelId, 1, '3')
  await link.request('clear', pay(channelId, '0.5'))
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const deadline = unixSeconds((await world.chain.head()).at + 3_600)
  const exit = world.typedData.signed(
    'ExitRequest',
    { channelId, relayFee: tokens('0.01'), deadline },
    consumer.privateKey,
  )
  expect(await link.request('relay-exit', { channel, exit })).toMatchObject({ ok: true })
  expect(await link.request('relay-finish', { channel, protesters: [] })).toMatchObject({
    refusal: { peerCode: 'relay-failed' },
  })
  expect(await drawn(channelId)).toBe(0n)
})

it('says that its pool runs low before it holds less than is owed, and when it is well again', async () => {
  const said: string[] = []
  const note = (message: string) => void said.push(message)
  const ignore = () => undefined
  const log: Log = { error: note, warn: note, info: note, debug: ignore }
  const { port } = await start({ pool: '2', log, poolWarnBelow: tokens('1.5') })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(port, channelId, 1, '3')
  await link.request('clear', pay(channelId, '0.4'))
  await world.rpc('anvil_mine', '0x1')
  expect(said).not.toContain('pool low')
  await link.request('clear', pay(channelId, '0.8'))
  await eventually(async () => {
    await world.rpc('anvil_mine', '0x1')
    return said.includes('pool low')
  })
  const sender = createSender(world.chain, hub)
  await sender.send(world.chain.token.approve.populateTransaction(world.deployment.channels, tokens('5')))
  await sender.send(world.chain.channels.fund.populateTransaction(hub.address, tokens('5')))
  await eventually(async () => {
    await world.rpc('anvil_mine', '0x1')
    return said.includes('pool sufficient again')
  })
})

it('relies on a deposit only when it lies deep enough, and forgets one that the chain takes back', async () => {
  const chain = await connectChain({
    rpc: world.rpcUrl,
    deploymentFile: world.deploymentFile,
    confirmations: 3,
  })
  const { port } = await start({ chain })
  open.push(chain)
  const before = await world.rpc('evm_snapshot')
  const channelId = await openOwn(1, '5')
  expect((await guaranteed(port, channelId, 1, '3')).answer).toMatchObject({
    refusal: { peerCode: 'unknown-channel' },
  })
  await world.rpc('anvil_mine', '0x3')
  expect((await guaranteed(port, channelId, 1, '3')).answer).toMatchObject({ ok: true })

  // Deeper than anything is relied upon: the hub reads all again rather than trust what is gone.
  await world.rpc('evm_revert', before)
  await world.rpc('anvil_mine', '0x20')
  await eventually(async () => {
    const { answer } = await guaranteed(port, channelId, 1, '1')
    return !answer.ok && (answer.refusal as { peerCode: string }).peerCode === 'unknown-channel'
  })
})

it('learns of what happened while it was not running', async () => {
  const first = await start({ pool: '100', name: 'gone.sqlite' })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(first.port, channelId, 1, '3')
  await link.request('clear', pay(channelId, '0.5'))
  await first.close()
  open.splice(0)
  await createSender(world.chain, consumer).send(
    world.chain.channels.requestExit.populateTransaction(hub.address, 1),
  )
  const second = await openOwn(2, '1')
  const again = await start({ name: 'gone.sqlite' })
  expect((await guaranteed(again.port, second, 2, '1')).answer).toMatchObject({ ok: true })
  await pass(untilDrawn)
  await eventually(async () => (await drawn(channelId)) === tokens('0.5'))
})

it('sends the final state it had signed when it was killed', async () => {
  const first = await start({ pool: '100', name: 'killed.sqlite' })
  const channelId = await openOwn(1, '5')
  // No guarantee was given, so nobody has to release anything.
  await eventually(async () => (await guaranteed(first.port, channelId, 1, '6')).answer.ok === false)
  await first.close()
  open.splice(0)
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const state = finalState(world.deployment, channel, { totals: [], releases: [] })
  const signatures = {
    consumer: await signChannelState(state, consumer.privateKey),
    hub: await signChannelState(state, hub.privateKey),
  }
  const ledger = await openSqliteLedger(join(world.folder, 'killed.sqlite'))
  const recorded = await ledger.recordClosing({
    channelId,
    decide: (line) => honestRules.final(line, [], []),
    sign: () => ({
      channelId,
      turnNum: state.turn,
      totals: [],
      releases: [],
      consumerSignature: signatures.consumer,
      hubSignature: signatures.hub,
    }),
  })
  expect(recorded.ok).toBe(true)
  await ledger.close()
  await start({ name: 'killed.sqlite' })
  await eventually(async () => (await world.chain.channels.channelOf(channelId)).status === 2n)
})

it('is slashed on chain when its decisions are taken out', async () => {
  const rules: Rules = { ...honestRules, solvent: () => ({ ok: true }), draws: () => [] }
  const { port } = await start({ rules, pool: '0.1' })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(port, channelId, 1, '3')
  const cleared = await link.request('clear', pay(channelId, '1'))
  if (!cleared.ok) throw new Error(JSON.stringify(cleared))
  const { total, signature } = cleared.value
  const before = await world.chain.token.balanceOf(provider.address)
  await createSender(world.chain, provider).send(
    world.chain.channels.redeem.populateTransaction({
      hub: hub.address,
      provider: provider.address,
      total,
      signature,
    }),
  )
  expect((await world.chain.token.balanceOf(provider.address)) - before).toBe(tokens('0.98'))
  const standing = await world.chain.registry.standingOf(hub.address)
  expect(standing.faults).toBe(1n)
  expect(standing.stake).toBe(tokens('1000') - 2n * tokens('0.88'))
})

it('refuses requests that are too old, and consumers in nobody’s books', async () => {
  const { port } = await start()
  const channelId = await openOwn(1, '5')
  const link = await dial(world, provider, port)
  open.push(link)
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const old = world.typedData.signed(
    'GuaranteeRequest',
    {
      channelId,
      provider: provider.address,
      ceiling: wei(1n),
      issuedAt: unixSeconds(systemClock.now() - 61),
    },
    consumer.privateKey,
  )
  expect(await link.request('guarantee', { channel, request: old })).toMatchObject({
    refusal: { peerCode: 'stale-request' },
  })
  const stranger = await world.person('stranger', {})
  const strangersLink = await dial(world, stranger, port)
  open.push(strangersLink)
  const request = requestOf(world, consumer, channelId, stranger.address, 1n)
  expect(await strangersLink.request('guarantee', { channel, request })).toMatchObject({
    refusal: { peerCode: 'not-registered' },
  })
})

it('takes on nothing for whom its operator blocked, and clears and keeps covered what it had promised', async () => {
  const name = 'blocked.sqlite'
  const { port } = await start({ pool: '100', name })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(port, channelId, 1, '3')
  expect(await link.request('clear', pay(channelId, '1'))).toMatchObject({ ok: true, value: { refused: [] } })
  // As a command does it, beside the running hub.
  const operator = await openSqliteLedger(join(world.folder, name))
  open.push(operator)
  await operator.block({ identity: consumer.address, since: 1 })
  const refused = (await guaranteed(port, channelId, 1, '3.1')).answer
  expect(refused).toMatchObject({ refusal: { peerCode: 'blocked' } })
  expect(await link.request('clear', pay(channelId, '2'))).toMatchObject({ ok: true, value: { refused: [] } })
  await operator.unblock(consumer.address)
  expect((await guaranteed(port, channelId, 1, '3.2')).answer).toMatchObject({ ok: true })
  await operator.writeNote('leaving', hub.address)
  expect((await guaranteed(port, channelId, 1, '3.3')).answer).toMatchObject({
    refusal: { peerCode: 'hub-leaving' },
  })
  expect(await link.request('clear', pay(channelId, '3'))).toMatchObject({
    ok: true,
    value: { total: netOf(tokens('3'), 200) },
  })
})

it('draws everything in one go when a command asks for it', async () => {
  const name = 'asked.sqlite'
  const { port } = await start({ pool: '100', name })
  const ids: Hex[] = []
  for (const nonce of [1, 2, 3]) {
    const channelId = await openOwn(nonce, '5')
    ids.push(channelId)
    const { link } = await guaranteed(port, channelId, nonce, '3')
    await link.request('clear', pay(channelId, `0.${nonce}`))
  }
  const operator = await openSqliteLedger(join(world.folder, name))
  open.push(operator)
  const came = await requestDraw(operator, 10_000)
  expect(came.map(({ channelId, amount }) => [channelId, BigInt(amount)]).sort()).toEqual(
    ids.map((id, index) => [id, tokens(`0.${index + 1}`)]).sort(),
  )
  expect(await drawn(ids[2] ?? '0x')).toBe(tokens('0.3'))
  expect(await requestDraw(operator, 10_000)).toEqual([])
})

it('does not start on a ledger that is older than what the hub has promised', async () => {
  const newest = 'newest.sqlite'
  const first = await start({ pool: '100', name: newest })
  const channelId = await openOwn(1, '5')
  const { link } = await guaranteed(first.port, channelId, 1, '3')
  await link.request('clear', pay(channelId, '0.5'))
  await backUp(join(world.folder, newest), join(world.folder, 'older.sqlite'))
  const cleared = await link.request('clear', pay(channelId, '2'))
  if (!cleared.ok) throw new Error(JSON.stringify(cleared))
  const { total, signature } = cleared.value
  await createSender(world.chain, provider).send(
    world.chain.channels.redeem.populateTransaction({
      hub: hub.address,
      provider: provider.address,
      total,
      signature,
    }),
  )
  await first.close()
  open.splice(0)
  await expect(start({ name: 'older.sqlite' })).rejects.toThrow(
    /older than what this hub promised: 0x[0-9a-f]{40} was paid 1.96 PTT, but the ledger knows of only 0.49 PTT/,
  )
  const again = await start({ name: newest })
  expect((await guaranteed(again.port, channelId, 1, '2.5')).answer).toMatchObject({ ok: true })
})

it('sends every transaction once when two programs of one key meet at a nonce', async () => {
  const { rpc, channels } = world.chain
  const before = await rpc.getTransactionCount(hub.address)
  const programs = [createSender(world.chain, hub), createSender(world.chain, hub)]
  const sent = await Promise.all(
    [1, 2, 3, 4, 5].flatMap((fee) =>
      programs.map((program, index) =>
        program.send(channels.announceFee.populateTransaction(10 * index + fee)),
      ),
    ),
  )
  expect(new Set(sent.map(({ transaction }) => transaction)).size).toBe(10)
  expect((await rpc.getTransactionCount(hub.address)) - before).toBe(10)
})
