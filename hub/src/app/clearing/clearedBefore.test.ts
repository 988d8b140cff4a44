import { join } from 'node:path'
import { type ClearedPromise, type Hex, netOf, type Params } from '@pontage/shared'
import { createSender, type Identity, type Link } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { backUp } from '../../io/sqlite/backup.js'
import { fillPool, hubSettings, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, eventually, promiseOf, requestOf, type TestChain, tokens } from '../world.fixture.js'

type Holdings = Params<'recall'> & { readonly cleared: readonly ClearedPromise[] }

let world: TestChain
let hub: Identity
let consumer: Identity
let provider: Identity
let other: Identity
/** Of one consumer, with 20 and 10 tokens. */
let staying: Hex
let left: Hex
let snapshot: unknown
let links: Link[] = []
let hubs: RunningHub[] = []
const net = (amount: string) => netOf(tokens(amount), 200)
const nothing: Holdings = { hubPromise: null, guarantees: [], cleared: [] }
const silent = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} }

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
  other = await world.person('other', { tokens: '100', coin: '10' })
  await world.register(other, 'provider', '50')
  await fillPool(world, hub, '100')
  staying = await openChannel(world, consumer, hub.address, 1, '20')
  left = await openChannel(world, consumer, hub.address, 2, '10')
})
afterAll(() => world?.close())
beforeEach(async () => {
  snapshot = await world.rpc('evm_snapshot')
})
afterEach(async () => {
  for (const link of links) link.close()
  for (const each of hubs) await each.close()
  links = []
  hubs = []
  await world.rpc('evm_revert', snapshot)
})

async function start(ledger: string): Promise<RunningHub> {
  const running = await startTestHub(world, hub, ledger, { log: silent })
  hubs.push(running)
  return running
}

async function meet(running: RunningHub, holdings: Holdings, who = provider): Promise<Link> {
  const link = await dial(world, who, running.port)
  links.push(link)
  expect(await link.request('recall', holdings)).toMatchObject({ ok: true })
  return link
}

const promise = (channel: Hex, amount: string, by = provider) =>
  promiseOf(world, consumer, channel, by.address, tokens(amount))
const clear = (link: Link, ...promises: ReturnType<typeof promise>[]) => link.request('clear', { promises })

/**
 * A hub guarantees 12 on the one channel and 6 on the other, is backed up under a name, and clears these then.
 *
 * @returns What the provider holds of it.
 */
async function forget(name: string, ...cleared: ReturnType<typeof promise>[]): Promise<Holdings> {
  const running = await start(`newest of ${name}`)
  const link = await meet(running, nothing)
  const guarantees = []
  for (const [nonce, channel, ceiling] of [
    [1, staying, '12'],
    [2, left, '6'],
  ] as const) {
    const granted = await link.request('guarantee', {
      channel: { consumer: consumer.address, hub: hub.address, nonce },
      request: requestOf(world, consumer, channel, provider.address, tokens(ceiling)),
    })
    if (!granted.ok) throw new Error('The hub refuses.')
    guarantees.push(granted.value.guarantee)
  }
  await backUp(join(world.folder, `newest of ${name}`), join(world.folder, name))
  const answer = await clear(link, ...cleared)
  if (!answer.ok) throw new Error('The hub refuses.')
  await hubs.pop()?.close()
  const { total, signature, stamps } = answer.value
  const stampOf = (id: Hex): Hex => stamps.find(({ channelId }) => channelId === id)?.stamp ?? '0x'
  return {
    hubPromise: { total, signature },
    guarantees,
    cleared: cleared.map((each) => ({ ...each, stamp: stampOf(each.channelId) })),
  }
}

/** The provider draws by itself, with the guarantee it holds. */
async function drawAlone({ guarantees: [guarantee] }: Holdings, amount: string): Promise<void> {
  if (!guarantee) throw new Error('There is no guarantee.')
  const { channels } = world.chain
  await createSender(world.chain, provider).send(
    channels.drawMany.populateTransaction([
      {
        parties: { consumer: consumer.address, hub: hub.address, nonce: 1 },
        provider: provider.address,
        amount: tokens(amount),
        promiseSignature: promise(staying, amount).signature,
        ceiling: guarantee.ceiling,
        expiresAt: guarantee.expiresAt,
        guaranteeSignature: guarantee.signature,
      },
    ]),
  )
}

async function pass(seconds: number): Promise<void> {
  await world.rpc('evm_increaseTime', seconds)
  await world.rpc('anvil_mine', '0x2')
}

const askToLeave = () =>
  createSender(world.chain, consumer).send(
    world.chain.channels.requestExit.populateTransaction(hub.address, 2),
  )

async function leave(): Promise<void> {
  await askToLeave()
  await pass(Number((await world.chain.channels.settings()).exitDelay) + 1)
  await createSender(world.chain, consumer).send(
    world.chain.channels.exit.populateTransaction(
      { consumer: consumer.address, hub: hub.address, nonce: 2 },
      [],
    ),
  )
}

const drawnOn = async (channel: Hex) => (await world.chain.channels.tabOf(channel, provider.address)).drawn

describe('a hub that forgot what it had cleared on a channel that is being left', () => {
  it('takes it back from its own stamp, though the provider drew more elsewhere than the hub had cleared', async () => {
    const holdings = await forget('drawn.sqlite', promise(staying, '5'), promise(left, '5'))
    expect(holdings.hubPromise?.total).toBe(net('5') + net('5'))
    await drawAlone(holdings, '11')
    await askToLeave()
    await pass(2 * hubSettings.guaranteeSeconds)
    const link = await meet(await start('drawn.sqlite'), holdings)
    expect(await clear(link, promise(staying, '11'), promise(left, '5'))).toMatchObject({
      value: { total: net('11') + net('5'), refused: [] },
    })
    // It is the hub's to draw in time, as it was before.
    const { exitDelay } = await world.chain.channels.settings()
    await pass(Number(exitDelay) - 2.5 * hubSettings.guaranteeSeconds)
    await eventually(async () => (await drawnOn(left)) === tokens('5'))
  })

  it('adds nothing for what it is shown again, and draws nothing where nothing is left', async () => {
    const holdings = await forget('again.sqlite', promise(staying, '5'), promise(left, '5'))
    await leave()
    const running = await start('again.sqlite')
    for (let times = 0; times < 2; times++) {
      const link = await meet(running, holdings)
      const hiding = await meet(running, { ...holdings, hubPromise: null })
      for (const each of [link, hiding])
        expect(await clear(each, promise(left, '5'), promise(staying, '5'))).toMatchObject({
          value: { total: net('5') + net('5'), refused: [] },
        })
    }
  })
})

describe('what nobody gains by a hub that forgot', () => {
  it('a promise that it never cleared explains nothing, on a channel that was left', async () => {
    const holdings = await forget('never.sqlite', promise(staying, '5'))
    await leave()
    const link = await meet(await start('never.sqlite'), holdings)
    expect(await clear(link, promise(left, '5'))).toMatchObject({
      value: { total: net('5'), refused: [{ code: 'channel-closing' }] },
    })
    expect(await clear(link, promise(staying, '5'))).toMatchObject({
      value: { total: net('5'), refused: [] },
    })
  })

  it('a promise above the one that it cleared is not taken, on a channel that is being left', async () => {
    const holdings = await forget('above.sqlite', promise(staying, '5'), promise(left, '5'))
    await askToLeave()
    await pass(2 * hubSettings.guaranteeSeconds)
    const link = await meet(await start('above.sqlite'), holdings)
    expect(await clear(link, promise(left, '6'))).toMatchObject({
      value: { total: net('5') + net('5'), refused: [{ code: 'exit-begun' }] },
    })
  })

  it('a draw beyond what was cleared is owed once, whatever else is shown before and after', async () => {
    const holdings = await forget('once.sqlite', promise(staying, '5'))
    await drawAlone(holdings, '11')
    await leave()
    const running = await start('once.sqlite')
    for (const shown of [nothing, holdings, { ...holdings, hubPromise: null }, holdings]) {
      const link = await meet(running, shown)
      expect(await clear(link, promise(staying, '11'), promise(left, '6'))).toMatchObject({
        value: { total: net('11'), refused: [{ channelId: left }] },
      })
    }
  })

  it.each([
    ['an amount', () => promise(left, '6')],
    ['a signature', () => ({ ...promise(left, '5'), signature: promise(left, '6').signature })],
    ['a channel', () => ({ ...promise(left, '5'), channelId: staying })],
  ])('a stamp on %s that was not cleared has nothing taken', async (what, forge) => {
    const ledger = `${what}.sqlite`
    const holdings = await forget(ledger, promise(left, '5'))
    const forged = { ...forge(), stamp: holdings.cleared[0]?.stamp ?? '0x' }
    const running = await start(ledger)
    const link = await meet(running, nothing)
    expect(
      await link.request('recall', { ...holdings, cleared: [...holdings.cleared, forged] }),
    ).toMatchObject({
      refusal: { peerCode: 'wrong-stamp' },
    })
    // Neither is it good for whom it was not given.
    const stranger = await meet(running, nothing, other)
    expect(await stranger.request('recall', { ...nothing, cleared: holdings.cleared })).toMatchObject({
      refusal: { peerCode: 'wrong-stamp' },
    })
    expect(await clear(link)).toMatchObject({ value: { total: 0n } })
  })
})
