import {
  type Address,
  channelIdOf,
  finalState,
  type Hex,
  netOf,
  preFundState,
  roles,
  systemClock,
  unixSeconds,
  wei,
} from '@pontage/shared'
import {
  createSender,
  type Handlers,
  type Identity,
  type Link,
  recoverChannelState,
  signChannelState,
  signPermit,
} from '@pontage/shared/node'
import { ZeroAddress } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { honestRules, type Rules } from '../core/rules.js'
import type { HubSettings } from './components.js'
import { fillPool, hubSettings, openChannel, startTestHub } from './hub.fixture.js'
import type { RunningHub } from './hub.js'
import { dial, promiseOf, requestOf, startTestChain, type TestChain, tokens } from './world.fixture.js'

let world: TestChain
let hub: Identity
let consumer: Identity
let provider: Identity
let running: RunningHub
let channelId: Hex
const settings = hubSettings
const parties = (nonce = 1) => ({ consumer: consumer.address, hub: hub.address, nonce })

const start = (name: string, rules: Rules = honestRules, more: Partial<HubSettings> = {}) =>
  startTestHub(world, hub, name, { rules, settings: more })

beforeAll(async () => {
  world = await startTestChain()
  hub = await world.person('hub', { tokens: '5000', coin: '10' })
  consumer = await world.person('consumer', { tokens: '100' })
  provider = await world.person('provider', { tokens: '100', coin: '10' })
  await world.register(hub, 'hub', '1000')
  await world.register(provider, 'provider', '50')
  await fillPool(world, hub, '100')
  running = await start('ledger.sqlite')
})
afterAll(async () => {
  await running.close()
  await world.close()
})

const later = () => unixSeconds(systemClock.now() + 600)

async function relayedRegistration(link: Link, relayFee = settings.relayFee) {
  const { nonce } = await world.chain.registry.standingOf(consumer.address)
  const stake = tokens('1')
  const registration = world.typedData.signed(
    'Registration',
    {
      identity: consumer.address,
      roles: roles.consumer,
      stake,
      beneficiary: ZeroAddress as Address,
      url: '',
      relayFee,
      nonce,
      deadline: later(),
    },
    consumer.privateKey,
  )
  const permit = await signPermit(
    world.chain,
    consumer,
    world.deployment.registry,
    wei(stake + relayFee),
    later(),
  )
  return link.request('relay-register', { registration, permit })
}

async function relayedOpening(link: Link, nonce: number, amount: string) {
  const fee = settings.relayFee
  const opening = world.typedData.signed(
    'Opening',
    {
      consumer: consumer.address,
      hub: hub.address,
      channelNonce: nonce,
      amount: tokens(amount),
      relayFee: fee,
      deadline: later(),
    },
    consumer.privateKey,
  )
  const permit = await signPermit(
    world.chain,
    consumer,
    world.deployment.channels,
    wei(tokens(amount) + fee),
    later(),
  )
  return { opening, permit, answer: await link.request('relay-open', { opening, permit }) }
}

describe('a hub', () => {
  it('says who it is and what it asks', async () => {
    const link = await dial(world, consumer, running.port)
    expect(await link.request('describe', {})).toMatchObject({
      ok: true,
      value: { hub: hub.address, chainId: 31_337, feeBps: 200, relayFees: { open: settings.relayFee } },
    })
    link.close()
  })

  it('registers a consumer without gas, for the fee it signed, once', async () => {
    const link = await dial(world, consumer, running.port)
    expect(await relayedRegistration(link, wei(settings.relayFee - 1n))).toMatchObject({
      ok: false,
      refusal: { peerCode: 'relay-fee-too-low' },
    })
    const answer = await relayedRegistration(link)
    expect(answer).toMatchObject({ ok: true })
    expect((await world.chain.registry.standingOf(consumer.address)).activeRoles).toBe(1n)
    expect(await world.chain.token.balanceOf(consumer.address)).toBe(tokens('98.99'))
    expect(await world.chain.rpc.getBalance(consumer.address)).toBe(0n)
    link.close()
  })

  it('accepts a channel before its deposit, and opens it for the fee', async () => {
    const link = await dial(world, consumer, running.port)
    const turn0 = preFundState(world.deployment, parties(), 0)
    const signature = await signChannelState(turn0, consumer.privateKey)
    const accepted = await link.request('prefund', { channel: parties(), signature })
    if (!accepted.ok) throw new Error(JSON.stringify(accepted))
    const turn1 = preFundState(world.deployment, parties(), 1)
    expect(await recoverChannelState(turn1, accepted.value.signature)).toBe(hub.address)
    expect(await link.request('prefund', { channel: parties(2), signature })).toMatchObject({
      refusal: { peerCode: expect.stringMatching(/signature|signer/) },
    })

    const { opening, permit, answer } = await relayedOpening(link, 1, '5')
    if (!answer.ok) throw new Error(JSON.stringify(answer))
    expect(await link.request('relay-open', { opening, permit })).toEqual(answer)
    channelId = channelIdOf({ chainId: 31_337 }, parties())
    expect((await world.chain.channels.channelOf(channelId)).balance).toBe(tokens('5'))
    expect(await world.chain.token.balanceOf(consumer.address)).toBe(tokens('93.98'))
    link.close()
  })

  it('refuses a relay that the chain would refuse, and sends nothing', async () => {
    const link = await dial(world, consumer, running.port)
    const nonce = await world.chain.rpc.getTransactionCount(hub.address)
    const { answer } = await relayedOpening(link, 1, '6')
    expect(answer).toMatchObject({ refusal: { peerCode: 'relay-failed' } })
    expect(answer.ok ? '' : (answer.refusal as { message: string }).message).toMatch(/ChannelExists/)
    expect(await world.chain.rpc.getTransactionCount(hub.address)).toBe(nonce)
    link.close()
  })

  it('guarantees what the consumer asked for, to the provider that forwards it, and no more than there is', async () => {
    const link = await dial(world, provider, running.port)
    const request = requestOf(world, consumer, channelId, provider.address, tokens('2'))
    const answer = await link.request('guarantee', { channel: parties(), request })
    if (!answer.ok) throw new Error(JSON.stringify(answer))
    const { guarantee } = answer.value
    expect(guarantee).toMatchObject({ channelId, provider: provider.address, ceiling: tokens('2') })
    expect(world.typedData.check('Guarantee', guarantee, hub.address).ok).toBe(true)
    expect(await link.request('guarantee', { channel: parties(), request })).toEqual(answer)

    const large = requestOf(world, consumer, channelId, provider.address, tokens('5.1'))
    expect(await link.request('guarantee', { channel: parties(), request: large })).toMatchObject({
      refusal: { peerCode: 'insufficient-collateral' },
    })
    const forged = requestOf(world, provider, channelId, provider.address, tokens('1'))
    expect(await link.request('guarantee', { channel: parties(), request: forged })).toMatchObject({
      refusal: { peerCode: 'wrong-signer' },
    })
    const somebodys = requestOf(world, consumer, channelId, hub.address, tokens('1'))
    expect(await link.request('guarantee', { channel: parties(), request: somebodys })).toMatchObject({
      refusal: { peerCode: 'not-a-party' },
    })
    link.close()
  })

  it('clears promises once, and the provider redeems the total on chain before anything was drawn', async () => {
    const link = await dial(world, provider, running.port)
    const clear = (amount: bigint) =>
      link.request('clear', {
        promises: [promiseOf(world, consumer, channelId, provider.address, amount)],
      })
    const first = await clear(tokens('0.5'))
    if (!first.ok) throw new Error(JSON.stringify(first))
    expect(first.value).toMatchObject({ total: netOf(tokens('0.5'), 200), refused: [] })
    expect(await clear(tokens('0.5'))).toEqual(first)
    expect(await clear(tokens('2.1'))).toMatchObject({
      ok: true,
      value: { total: first.value.total, refused: [{ code: 'over-ceiling' }] },
    })
    const { total, signature } = first.value
    expect(
      world.typedData.check(
        'HubPromise',
        { hub: hub.address, provider: provider.address, total, signature },
        hub.address,
      ).ok,
    ).toBe(true)
    const before = await world.chain.token.balanceOf(provider.address)
    await createSender(world.chain, provider).send(
      world.chain.channels.redeem.populateTransaction({
        hub: hub.address,
        provider: provider.address,
        total,
        signature,
      }),
    )
    expect((await world.chain.token.balanceOf(provider.address)) - before).toBe(total)
    expect((await world.chain.channels.hubOf(hub.address)).pool).toBe(tokens('100') - total)
    link.close()
  })

  it('closes with the consumer: every token is where the totals say', async () => {
    const asked: string[] = []
    const handlers: Handlers = {
      requests: {
        release: async ({ channel }) => {
          asked.push(channel.consumer)
          const release = world.typedData.signed(
            'Release',
            {
              provider: provider.address,
              channelId,
              amount: tokens('0.5'),
              upTo: unixSeconds(systemClock.now() + 7_200),
            },
            provider.privateKey,
          )
          return { ok: true, value: { release } }
        },
      },
    }
    const link = await dial(world, consumer, running.port)
    expect(await link.request('close-draft', { channel: parties() })).toMatchObject({
      refusal: { peerCode: 'close-delayed' },
    })
    const providerLink = await dial(world, provider, running.port, handlers)
    const draft = await link.request('close-draft', { channel: parties() })
    if (!draft.ok) throw new Error(JSON.stringify(draft))
    expect(asked).toEqual([consumer.address])
    const { turnNum, totals, releases } = draft.value
    expect(totals).toEqual([{ provider: provider.address, amount: tokens('0.5') }])

    const conclude = async (paid: bigint) => {
      const end = { totals: [{ provider: provider.address, amount: wei(paid) }], releases }
      const signature = await signChannelState(
        finalState(world.deployment, parties(), end),
        consumer.privateKey,
      )
      return link.request('conclude', { channel: parties(), turnNum, ...end, signature })
    }
    expect(await conclude(tokens('0.4'))).toMatchObject({ refusal: { peerCode: 'unequal-totals' } })
    const done = await conclude(tokens('0.5'))
    if (!done.ok) throw new Error(JSON.stringify(done))
    expect(await conclude(tokens('0.5'))).toEqual(done)

    expect(await world.chain.token.balanceOf(consumer.address)).toBe(tokens('98.48'))
    expect((await world.chain.channels.channelOf(channelId)).status).toBe(2n)
    // The pool has back what it advanced, and the fee.
    expect((await world.chain.channels.hubOf(hub.address)).pool).toBe(tokens('100.01'))
    expect(await world.chain.token.balanceOf(provider.address)).toBe(tokens('50.49'))
    expect(await world.chain.token.balanceOf(hub.address)).toBe(tokens('3900.02'))
    const late = requestOf(world, consumer, channelId, provider.address, tokens('1'))
    expect(await providerLink.request('guarantee', { channel: parties(), request: late })).toMatchObject({
      refusal: { peerCode: 'channel-closing' },
    })
    link.close()
    providerLink.close()
  })

  it('relays no more a day for one identity, nor for all together, than its operator allows', async () => {
    const relays = (more: Partial<typeof settings>, name: string) => start(name, honestRules, more)
    for (const [more, name] of [
      [{ relaysPerDay: 1 }, 'one.sqlite'],
      [{ relaysPerDayInAll: 1 }, 'all.sqlite'],
      [{ relaysPerDayPerAddress: 1 }, 'address.sqlite'],
    ] as const) {
      const limited = await relays(more, name)
      const link = await dial(world, consumer, limited.port)
      expect(await relayedRegistration(link)).toMatchObject({ ok: true })
      expect(await relayedRegistration(link)).toMatchObject({ refusal: { peerCode: 'relay-limit' } })
      link.close()
      await limited.close()
    }
  })

  it('asks for what gas costs where that is more than its fee, and relays nothing for less', async () => {
    // A coin so dear that gas is worth more than the fee.
    const dear = await start('dear.sqlite', honestRules, { coinPrice: tokens('100000') })
    const link = await dial(world, consumer, dear.port)
    const described = await link.request('describe', {})
    if (!described.ok) throw new Error(JSON.stringify(described))
    const { register } = described.value.relayFees
    expect(register).toBeGreaterThan(settings.relayFee)
    const sent = await world.chain.rpc.getTransactionCount(hub.address)
    expect(await relayedRegistration(link)).toMatchObject({ refusal: { peerCode: 'relay-fee-too-low' } })
    expect(await world.chain.rpc.getTransactionCount(hub.address)).toBe(sent)
    link.close()
    await dear.close()

    const cheap = await start('cheap.sqlite', honestRules, { coinPrice: tokens('0.01') })
    const again = await dial(world, consumer, cheap.port)
    expect(await relayedRegistration(again)).toMatchObject({ ok: true })
    again.close()
    await cheap.close()
  })

  it('begins an exit for a consumer without gas, for a fee out of what is left at its end', async () => {
    const link = await dial(world, consumer, running.port)
    const opened = await relayedOpening(link, 3, '2')
    expect(opened.answer).toMatchObject({ ok: true })
    const id = channelIdOf({ chainId: 31_337 }, parties(3))
    const exitOf = (fee: bigint, signer = consumer) =>
      world.typedData.signed(
        'ExitRequest',
        { channelId: id, relayFee: wei(fee), deadline: later() },
        signer.privateKey,
      )
    const ask = (exit: ReturnType<typeof exitOf>, nonce = 3) =>
      link.request('relay-exit', { channel: parties(nonce), exit })

    expect(await ask(exitOf(settings.relayFee - 1n))).toMatchObject({
      refusal: { peerCode: 'relay-fee-too-low' },
    })
    expect(await ask(exitOf(settings.relayFee, provider))).toMatchObject({
      refusal: { peerCode: 'wrong-signer' },
    })
    expect(await ask(exitOf(settings.relayFee), 4)).toMatchObject({
      refusal: { peerCode: 'unknown-channel' },
    })
    expect(await ask(exitOf(tokens('2.01')))).toMatchObject({
      refusal: { peerCode: 'insufficient-collateral' },
    })
    const exit = exitOf(settings.relayFee)
    const answers = await Promise.all([ask(exit), ask(exit)])
    expect(answers[0]).toMatchObject({ ok: true })
    expect(answers[1]).toEqual(answers[0])
    expect((await world.chain.channels.channelOf(id)).exitAt).toBeGreaterThan(0n)

    const { exitDelay } = await world.chain.channels.settings()
    const before = await world.chain.token.balanceOf(hub.address)
    const finish = () => link.request('relay-finish', { channel: parties(3), protesters: [] })
    expect(await finish()).toMatchObject({ refusal: { peerCode: 'relay-failed' } })
    await world.rpc('evm_increaseTime', Number(exitDelay) + 1)
    await world.rpc('evm_mine')
    const finished = await finish()
    expect(finished).toMatchObject({ ok: true })
    expect(await finish()).toEqual(finished)
    expect((await world.chain.token.balanceOf(hub.address)) - before).toBe(settings.relayFee)
    link.close()
  })

  it('ends no channel for nothing: neither one whose exit it did not relay, nor one that holds no fee', async () => {
    const link = await dial(world, consumer, running.port)
    await world.fund(consumer.address, { coin: '1' })
    for (const nonce of [5, 6]) await openChannel(world, consumer, hub.address, nonce, '2')
    const alone = createSender(world.chain, consumer)
    await alone.send(world.chain.channels.requestExit.populateTransaction(hub.address, 5))
    const id = channelIdOf({ chainId: 31_337 }, parties(6))
    const exit = world.typedData.signed(
      'ExitRequest',
      {
        channelId: id,
        relayFee: settings.relayFee,
        deadline: unixSeconds((await world.chain.head()).at + 3_600),
      },
      consumer.privateKey,
    )
    expect(await link.request('relay-exit', { channel: parties(6), exit })).toMatchObject({ ok: true })
    // A protest takes everything before the fee is paid.
    const promise = promiseOf(world, consumer, id, provider.address, tokens('2'))
    await world.fund(provider.address, { coin: '1' })
    await createSender(world.chain, provider).send(
      world.chain.channels.protest.populateTransaction(
        parties(6),
        provider.address,
        promise.amount,
        promise.signature,
      ),
    )
    const { exitDelay } = await world.chain.channels.settings()
    const before = await world.chain.token.balanceOf(hub.address)
    await world.rpc('evm_increaseTime', Number(exitDelay) + 1)
    await world.rpc('evm_mine')
    const finish = (nonce: number, protesters: (typeof provider.address)[] = []) =>
      link.request('relay-finish', { channel: parties(nonce), protesters })
    expect(await finish(5)).toMatchObject({ refusal: { peerCode: 'exit-not-relayed' } })
    expect((await finish(6, [provider.address])).ok).toBe(false)
    // The hub settles what an end waits for; it still sends no end that nobody pays.
    expect((await world.chain.channels.channelOf(id)).status).toBe(1n)
    expect(await world.chain.token.balanceOf(hub.address)).toBe(before)
    link.close()
  })
})
