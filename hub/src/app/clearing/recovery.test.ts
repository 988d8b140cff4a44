import { basename, join } from 'node:path'
import { type Hex, netOf, type Result, wei } from '@pontage/shared'
import { connectChain, createSender, type Identity, type Link } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { backUp } from '../../io/sqlite/backup.js'
import { openSqliteLedger } from '../../io/sqlite/sqliteLedger.js'
import { ledger } from '../commands/ledger.js'
import { ledgerPath } from '../commands/openLedger.js'
import { fillPool, hubSettings, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, promiseOf, requestOf, type TestChain, tokens } from '../world.fixture.js'

let world: TestChain
let hub: Identity
let consumer: Identity
let provider: Identity
let other: Identity
let channelId: Hex
let snapshot: unknown
let links: Link[] = []
const { guaranteeSeconds } = hubSettings
const net = (amount: string) => netOf(tokens(amount), 200)

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
  other = await world.person('other', { tokens: '100', coin: '10' })
  await world.register(other, 'provider', '50')
  await fillPool(world, hub, '100')
  channelId = await openChannel(world, consumer, hub.address, 1, '20')
})
afterAll(() => world?.close())
beforeEach(async () => {
  snapshot = await world.rpc('evm_snapshot')
})
afterEach(async () => {
  for (const link of links) link.close()
  links = []
  await world.rpc('evm_revert', snapshot)
})

const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

const start = (name: string, options: Parameters<typeof startTestHub>[3] = {}) =>
  startTestHub(world, hub, name, { log: silent, ...options })

async function meet(running: RunningHub, who = provider): Promise<Link> {
  const link = await dial(world, who, running.port)
  links.push(link)
  return link
}
const ask = (link: Link, ceiling: string, by = provider, nonce = 1, channel = channelId) =>
  link.request('guarantee', {
    channel: { consumer: consumer.address, hub: hub.address, nonce },
    request: requestOf(world, consumer, channel, by.address, tokens(ceiling)),
  })
const pay = (link: Link, amount: string, channel = channelId) =>
  link.request('clear', {
    promises: [promiseOf(world, consumer, channel, provider.address, tokens(amount))],
  })

/** A hub that guaranteed 8 and cleared 1, was backed up as `older`, then cleared 5 and guaranteed up to 12. */
async function forgetful(older: string) {
  const running = await start(`newest of ${older}`)
  const link = await meet(running)
  expect(await ask(link, '8')).toMatchObject({ ok: true })
  expect(await pay(link, '1')).toMatchObject({ ok: true, value: { total: net('1') } })
  await backUp(join(world.folder, `newest of ${older}`), join(world.folder, older))
  const granted = await ask(link, '12')
  const cleared = await pay(link, '5')
  if (!granted.ok || !cleared.ok) throw new Error('The hub refuses.')
  await running.close()
  const { total, signature } = cleared.value
  expect(total).toBe(net('5'))
  const guarantee: Result<'guarantee'>['guarantee'] = granted.value.guarantee
  return { hubPromise: { total, signature }, guarantees: [guarantee] }
}

const redeem = ({ total, signature }: { total: bigint; signature: Hex }) =>
  createSender(world.chain, provider).send(
    world.chain.channels.redeem.populateTransaction({
      hub: hub.address,
      provider: provider.address,
      total,
      signature,
    }),
  )

const later = async (seconds: number) => {
  await world.rpc('evm_increaseTime', seconds)
  await world.rpc('anvil_mine', '0x2')
}

it('rebuilds an old ledger from the chain and from what providers hold, and signs nothing lower', async () => {
  const holdings = await forgetful('paid.sqlite')
  await redeem(holdings.hubPromise)
  for (let times = 0; times < 2; times++)
    await expect(start('paid.sqlite')).rejects.toThrow(/was paid 4\.9 .* run pontage-hub ledger rebuild/)
  const operator = await openSqliteLedger(join(world.folder, 'paid.sqlite'))
  await operator.writeNote('recovering', JSON.stringify('asked'))
  await operator.close()

  const running = await start('paid.sqlite')
  const link = await meet(running)
  expect(await pay(link, '5')).toMatchObject({ refusal: { peerCode: 'holdings-expected' } })
  expect(await ask(link, '9')).toMatchObject({ refusal: { peerCode: 'hub-recovering' } })
  expect(await link.request('liability', {})).toMatchObject({ refusal: { peerCode: 'hub-recovering' } })
  // The chain showed the total already; the guarantee is news.
  expect(await link.request('recall', holdings)).toMatchObject({
    value: { raised: 0n, recalled: 1, isRecovering: true },
  })
  expect(await pay(link, '5')).toMatchObject({ value: { total: net('5'), refused: [] } })
  // Beyond the ceiling in the old ledger, within the one that was forgotten.
  expect(await pay(link, '11')).toMatchObject({ value: { total: net('11'), refused: [] } })
  const stranger = await meet(running, other)
  expect(await stranger.request('clear', { promises: [] })).toMatchObject({
    refusal: { peerCode: 'holdings-expected' },
  })
  expect(await stranger.request('recall', { hubPromise: null, guarantees: [] })).toMatchObject({
    value: { raised: 0n, recalled: 0, isRecovering: true },
  })
  expect(await stranger.request('clear', { promises: [] })).toMatchObject({ value: { total: 0n } })
  expect(await ask(stranger, '1', other)).toMatchObject({ refusal: { peerCode: 'hub-recovering' } })
  await running.close()

  // It goes on after a restart, until what was forgotten has ended.
  const again = await start('paid.sqlite')
  const back = await meet(again)
  expect(await ask(back, '13')).toMatchObject({ refusal: { peerCode: 'hub-recovering' } })
  await world.rpc('evm_increaseTime', 2 * guaranteeSeconds)
  await world.rpc('anvil_mine', '0x2')
  await vi.waitFor(async () => expect(await ask(back, '13')).toMatchObject({ ok: true }), 20_000)
  await again.close()
})

it('finds out from a provider’s holdings alone that its ledger is old', async () => {
  const holdings = await forgetful('unpaid.sqlite')
  const running = await start('unpaid.sqlite')
  const stranger = await meet(running, other)
  const link = await meet(running)
  const forged = world.typedData.sign(
    'HubPromise',
    { hub: hub.address, provider: provider.address, total: tokens('9') },
    provider.privateKey,
  )
  expect(
    await link.request('recall', { hubPromise: { total: tokens('9'), signature: forged }, guarantees: [] }),
  ).toMatchObject({ refusal: { peerCode: 'wrong-signer' } })
  expect(
    await stranger.request('recall', { hubPromise: null, guarantees: holdings.guarantees }),
  ).toMatchObject({
    refusal: { peerCode: 'not-a-party' },
  })
  expect(await link.request('recall', holdings)).toMatchObject({
    value: { raised: net('5') - net('1'), recalled: 1, isRecovering: true },
  })
  expect(await link.request('recall', holdings)).toMatchObject({ value: { raised: 0n, recalled: 0 } })
  // Collateral of 20: the forgotten 12 are reserved, and nothing new is until all of that has ended.
  expect(await ask(stranger, '1', other)).toMatchObject({ refusal: { peerCode: 'hub-recovering' } })
  expect(await pay(link, '5')).toMatchObject({ value: { total: net('5'), refused: [] } })
  expect(await pay(link, '6')).toMatchObject({ value: { total: net('6'), refused: [] } })
  await running.close()
})

it('takes nothing of what it is shown while a part of it is not its own', async () => {
  const holdings = await forgetful('mixed.sqlite')
  const running = await start('mixed.sqlite')
  const link = await meet(running)
  const [guarantee] = holdings.guarantees
  const forged = { ...guarantee, ceiling: tokens('19') } as typeof guarantee & object
  expect(await link.request('recall', { ...holdings, guarantees: [forged] })).toMatchObject({
    refusal: { peerCode: 'wrong-signer' },
  })
  expect(await pay(link, '1')).toMatchObject({ value: { total: net('1') } })
  expect(await link.request('recall', holdings)).toMatchObject({ value: { isRecovering: true } })
  await running.close()
})

it('loses nothing to a provider that hides its newest promise', async () => {
  const holdings = await forgetful('hidden.sqlite')
  const running = await start('hidden.sqlite')
  const link = await meet(running)
  // It gets less signed than it holds already, and is paid the larger of the two, once.
  expect(await pay(link, '2')).toMatchObject({ value: { total: net('2') } })
  await redeem(holdings.hubPromise)
  await vi.waitFor(
    async () => expect(await pay(link, '2')).toMatchObject({ refusal: { peerCode: 'holdings-expected' } }),
    20_000,
  )
  expect(await link.request('recall', { hubPromise: null, guarantees: [] })).toMatchObject({ ok: true })
  // The chain raised the total to what was paid; showing the same promises again adds nothing to it.
  expect(await pay(link, '5')).toMatchObject({ value: { total: net('5'), refused: [] } })
  expect(await pay(link, '6')).toMatchObject({ value: { total: net('6'), refused: [] } })
  const { paid } = await world.chain.channels.accountOf(hub.address, provider.address)
  expect(wei(paid)).toBe(net('5'))
  await running.close()
})

/** A hub whose ledger is older than a channel, and what another, on the newest ledger, gave for that channel. */
async function olderThanChannel(name: string, chain = world.chain) {
  // It looks at the chain only when it is asked something.
  const running = await start(`older ${name}`, { chain, settings: { pollMs: 3_600_000 } })
  const later = await openChannel(world, consumer, hub.address, 2, '10')
  const newest = await start(`newest ${name}`)
  const link = await meet(newest)
  const granted = await ask(link, '6', provider, 2, later)
  const cleared = await pay(link, '5', later)
  if (!granted.ok || !cleared.ok) throw new Error('The hub refuses.')
  await newest.close()
  const { total, signature } = cleared.value
  const { guarantee } = granted.value
  return { running, later, holdings: { hubPromise: { total, signature }, guarantees: [guarantee] } }
}

it('reads the channel of a guarantee from the chain where its ledger is older than the channel', async () => {
  const { running, later, holdings } = await olderThanChannel('recalls.sqlite')
  const link = await meet(running)
  expect(await link.request('recall', holdings)).toMatchObject({
    value: { raised: net('5'), recalled: 1, isRecovering: true },
  })
  expect(await pay(link, '5', later)).toMatchObject({ value: { total: net('5'), refused: [] } })
  expect(await pay(link, '6', later)).toMatchObject({ value: { total: net('6'), refused: [] } })
  await running.close()
})

it('takes a promise that it had forgotten after the guarantee has ended, once', async () => {
  const { running, later, holdings } = await olderThanChannel('ended.sqlite')
  await world.rpc('evm_increaseTime', 2 * guaranteeSeconds)
  await world.rpc('anvil_mine', '0x2')
  const link = await meet(running)
  expect(await link.request('recall', holdings)).toMatchObject({ value: { raised: net('5'), recalled: 1 } })
  expect(await pay(link, '5.5', later)).toMatchObject({ value: { total: net('5.5'), refused: [] } })
  await running.close()
})

it('takes no presentation whose channels it cannot look for, and all of it when it can', async () => {
  const { rpcUrl: rpc, deploymentFile } = world
  const flaky = await connectChain({ rpc, deploymentFile, confirmations: 0 })
  const { running, later, holdings } = await olderThanChannel('blind.sqlite', flaky)
  const link = await meet(running)
  const head = flaky.head
  Object.assign(flaky, { head: () => Promise.reject(new Error('The node is away.')) })
  expect(await link.request('recall', holdings)).toMatchObject({ refusal: { peerCode: 'chain-unseen' } })
  // The total is taken all the same, but nothing is signed on it yet.
  expect(await pay(link, '1', later)).toMatchObject({ refusal: { peerCode: 'holdings-expected' } })
  Object.assign(flaky, { head })
  expect(await link.request('recall', holdings)).toMatchObject({ value: { recalled: 1, isRecovering: true } })
  expect(await pay(link, '6', later)).toMatchObject({ value: { total: net('6'), refused: [] } })
  await running.close()
  flaky.close()
})

it('takes no presentation whose channels a node does not show that has fallen behind', async () => {
  const { rpcUrl: rpc, deploymentFile } = world
  const late = await connectChain({ rpc, deploymentFile, confirmations: 0 })
  const before = await late.confirmed()
  const { running, later, holdings } = await olderThanChannel('late.sqlite', late)
  const link = await meet(running)
  const { confirmed } = late
  Object.assign(late, { confirmed: async () => before })
  expect(await link.request('recall', holdings)).toMatchObject({ refusal: { peerCode: 'unknown-channel' } })
  Object.assign(late, { confirmed })
  expect(await link.request('recall', holdings)).toMatchObject({ value: { recalled: 1, isRecovering: true } })
  expect(await pay(link, '6', later)).toMatchObject({ value: { total: net('6'), refused: [] } })
  await running.close()
  late.close()
})

it('takes no guarantee for a sign that it forgot on purpose, since nothing was promised on it', async () => {
  const running = await start('idle.sqlite')
  const link = await meet(running)
  const granted = await ask(link, '6')
  if (!granted.ok) throw new Error('The hub refuses.')
  const aDayLater = granted.value.guarantee.expiresAt + 86_400
  await later(guaranteeSeconds + 2 * 86_400)
  const stranger = await meet(running, other)
  let ceiling = 1
  await vi.waitFor(async () => {
    const seen = await ask(stranger, `${ceiling++ / 100}`, other)
    expect(seen.ok && seen.value.guarantee.expiresAt).toBeGreaterThan(aDayLater)
  }, 20_000)
  const shown = { hubPromise: null, guarantees: [granted.value.guarantee] }
  expect(await link.request('recall', shown)).toMatchObject({ value: { recalled: 0, isRecovering: false } })
  expect(await ask(stranger, '2', other)).toMatchObject({ ok: true })
  await running.close()
})

it('notices once more that its ledger is old, long after it did for the first time', async () => {
  const holdings = await forgetful('twice.sqlite')
  const running = await start('twice.sqlite')
  const link = await meet(running)
  expect(await link.request('recall', holdings)).toMatchObject({ value: { isRecovering: true } })
  await later(2 * guaranteeSeconds)
  await vi.waitFor(async () => expect(await ask(link, '13')).toMatchObject({ ok: true }), 20_000)
  await backUp(join(world.folder, 'twice.sqlite'), join(world.folder, 'thrice.sqlite'))
  const granted = await ask(link, '15')
  if (!granted.ok) throw new Error('The hub refuses.')
  await running.close()

  const again = await start('thrice.sqlite')
  const [back, stranger] = [await meet(again), await meet(again, other)]
  // What was lost the first time is no news: whoever comes late with it holds up nobody.
  expect(await back.request('recall', holdings)).toMatchObject({ value: { recalled: 0 } })
  expect(await ask(stranger, '1', other)).toMatchObject({ ok: true })
  const shown = { hubPromise: null, guarantees: [granted.value.guarantee] }
  expect(await back.request('recall', shown)).toMatchObject({ value: { recalled: 1, isRecovering: true } })
  expect(await ask(stranger, '2', other)).toMatchObject({ refusal: { peerCode: 'hub-recovering' } })
  await again.close()
})

it('does not start on a ledger that is old once more, until its operator says so once more', async () => {
  const holdings = await forgetful('before.sqlite')
  const running = await start('before.sqlite')
  const link = await meet(running)
  expect(await link.request('recall', holdings)).toMatchObject({ value: { isRecovering: true } })
  await later(2 * guaranteeSeconds)
  await vi.waitFor(async () => expect(await ask(link, '13')).toMatchObject({ ok: true }), 20_000)
  const path = ledgerPath(world.folder)
  await backUp(join(world.folder, 'before.sqlite'), path)
  const cleared = await pay(link, '6')
  if (!cleared.ok) throw new Error('The hub refuses.')
  await running.close()
  await redeem(cleared.value)

  await expect(start(basename(path))).rejects.toThrow(/run pontage-hub ledger rebuild/)
  await ledger.handler({ home: world.folder, action: 'rebuild', json: true } as never)
  const again = await start(basename(path))
  const stranger = await meet(again, other)
  const refused = { refusal: { peerCode: 'hub-recovering' } }
  expect(await ask(stranger, '1', other)).toMatchObject(refused)
  // Said beside a hub that rebuilds, it is for the next start, and lets nothing through until then.
  await ledger.handler({ home: world.folder, action: 'rebuild', json: true } as never)
  const beside = await openSqliteLedger(path)
  for (const _block of ['one after which it looks', 'one more, by which it has looked']) {
    await world.rpc('anvil_mine', '0x1')
    const { number } = await world.chain.head()
    await vi.waitFor(async () => expect((await beside.cursor())?.number).toBe(number), 20_000)
  }
  await beside.close()
  expect(await ask(stranger, '1', other)).toMatchObject(refused)
  await again.close()
})
