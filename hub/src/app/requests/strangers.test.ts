import { address, type Hex, roles, unixSeconds, wei } from '@pontage/shared'
import { createIdentity, type Identity, type Link, PrivateKey } from '@pontage/shared/node'
import { keccak256, toUtf8Bytes, ZeroAddress } from 'ethers'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { fillPool, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, promiseOf, requestOf, type TestChain, tokens } from '../world.fixture.js'

// What strangers ask must cost the hub less than it costs them: no signature is looked at and nothing asked of the
// chain for whoever has no standing.

/** Micro-promises whose signers were looked for. */
const looked = vi.hoisted(() => ({ for: 0 }))
vi.mock('../../io/signing/signers.js', async (original) => {
  const { startSigners } = await original<typeof import('../../io/signing/signers.js')>()
  return {
    startSigners: (...given: Parameters<typeof startSigners>) => {
      const signers = startSigners(...given)
      const of: typeof signers.of = (promises) => {
        looked.for += promises.length
        return signers.of(promises)
      }
      return { ...signers, of }
    },
  }
})

let world: TestChain
let hub: Identity
let provider: Identity
let consumer: Identity
let running: RunningHub
let honest: Link
let channelId: Hex

const person = (name: string) => createIdentity(new PrivateKey(keccak256(toUtf8Bytes(name)) as Hex))
const junkId = (n: number): Hex => `0x${(n + 1).toString(16).padStart(64, '0')}`
const junk = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    ...promiseOf(world, person('stranger'), junkId(n), provider.address, 1n),
  }))

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
  await fillPool(world, hub, '100')
  running = await startTestHub(world, hub, 'strangers.sqlite', {
    settings: { coinPrice: tokens('0.01') },
    limits: { requestsPerSecond: 100_000, requestsPerSecondPerAddress: 100_000 },
  })
  channelId = await openChannel(world, consumer, hub.address, 1, '5')
  honest = await dial(world, provider, running.port)
  const request = requestOf(world, consumer, channelId, provider.address, tokens('3'))
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  expect(await honest.request('guarantee', { channel, request })).toMatchObject({ ok: true })
})
afterAll(async () => {
  await running.close()
  await world.close()
})

it('looks at no signature of thirty clears a second from whoever never had a guarantee, and at each honest one', async () => {
  const stranger = await dial(world, person('stranger'), running.port)
  const promises = junk(500)
  const before = looked.for
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const refused = stranger.request('clear', { promises })
      const amount = tokens(`0.${100 + n}`)
      const cleared = await honest.request('clear', {
        promises: [promiseOf(world, consumer, channelId, provider.address, amount)],
      })
      return [await refused, cleared] as const
    }),
  )
  for (const [refused, cleared] of answers) {
    expect(refused).toMatchObject({ refusal: { peerCode: 'no-guarantee' } })
    expect(cleared).toMatchObject({ ok: true })
  }
  expect(looked.for - before).toBe(30)
  stranger.close()
})

it('looks at no signature for channels on which a provider has no guarantee', async () => {
  const before = looked.for
  const cleared = await honest.request('clear', { promises: junk(500) })
  expect(cleared.ok && cleared.value.refused.map(({ code }) => code)).toEqual(
    new Array(500).fill('unknown-channel'),
  )
  expect(looked.for - before).toBe(0)
})

it('asks the chain for its fees once, however many ask who it is', async () => {
  const asked = vi.spyOn(world.chain.rpc, 'getFeeData')
  const stranger = await dial(world, person('curious'), running.port)
  for (let n = 0; n < 50; n++) expect(await stranger.request('describe', {})).toMatchObject({ ok: true })
  expect(asked.mock.calls.length).toBeLessThanOrEqual(1)
  asked.mockRestore()
  stranger.close()
})

it('estimates no more than twenty registrations that would fail, from one network address', async () => {
  const estimated = vi.spyOn(world.chain.rpc, 'estimateGas')
  const stranger = await dial(world, person('poor'), running.port)
  const deadline = unixSeconds((await world.chain.head()).at + 3_600)
  const codes: string[] = []
  for (let n = 0; n < 40; n++) {
    const poor = person(`poor ${n}`)
    const registration = world.typedData.signed(
      'Registration',
      {
        ...{
          identity: poor.address,
          roles: roles.consumer,
          stake: tokens('1'),
          url: '',
          nonce: 0n,
          deadline,
        },
        ...{ beneficiary: address(ZeroAddress), relayFee: tokens('0.5') },
      },
      poor.privateKey,
    )
    const permit = { value: wei(0n), deadline, signature: registration.signature }
    const answer = await stranger.request('relay-register', { registration, permit })
    if (!answer.ok && answer.refusal.code === 'peer-refused') codes.push(answer.refusal.peerCode)
  }
  expect(codes.filter((code) => code === 'relay-failed').length).toBeLessThanOrEqual(22)
  expect(codes.at(-1)).toBe('too-many-requests')
  expect(estimated.mock.calls.length).toBeLessThanOrEqual(22)
  estimated.mockRestore()
  stranger.close()
})

it('looks at no signature under a channel to be accepted, of whoever has no stake', async () => {
  const stranger = await dial(world, person('stranger'), running.port)
  const channel = { consumer: person('stranger').address, hub: hub.address, nonce: 1 }
  const answer = await stranger.request('prefund', { channel, signature: `0x${'11'.repeat(64)}1b` })
  expect(answer).toMatchObject({ refusal: { peerCode: 'not-registered' } })
  stranger.close()
})

it('looks at no signature under a final state that does not fit, nor under its releases', async () => {
  const link = await dial(world, consumer, running.port)
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const signature = `0x${'11'.repeat(64)}1b` as const
  const someone = (n: number) => address(`0x${(n + 1).toString(16).padStart(40, '0')}`)
  const releases = Array.from({ length: 20 }, (_, n) => ({
    ...{ channelId, provider: someone(n), amount: wei(1n), upTo: unixSeconds(9), signature },
  }))
  const totals = [{ provider: someone(1), amount: wei(1n) }]
  const answer = await link.request('conclude', { channel, turnNum: 2, totals, releases, signature })
  expect(answer).toMatchObject({ refusal: { peerCode: 'unequal-totals' } })
  link.close()
})
