import { type Address, address, type Hex, systemClock, unixSeconds, wei } from '@pontage/shared'
import { type Identity, type Owed, provesSum, sumTree } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillPool, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, eventually, promiseOf, requestOf, type TestChain, tokens } from '../world.fixture.js'

let world: TestChain
let hub: Identity
let consumer: Identity
let provider: Identity
let running: RunningHub
let channelId: Hex

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
  await fillPool(world, hub, '100')
  channelId = await openChannel(world, consumer, hub.address, 1, '20')
  running = await startTestHub(world, hub, 'books.sqlite', { settings: { liabilitiesEverySeconds: 1 } })
})
afterAll(async () => {
  await running?.close()
  await world?.close()
})

const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${running.port}${path}`)
  return { status: response.status, body: JSON.parse(await response.text()) }
}
const receipt = (amount: bigint, more: { score?: number; endedAt?: number; signer?: Identity } = {}) =>
  world.typedData.signed(
    'SessionReceipt',
    {
      provider: provider.address,
      channelId,
      amount: wei(amount),
      bytes: 3_000_000,
      throughputKbps: 24_000,
      score: more.score ?? 0,
      endedAt: unixSeconds(more.endedAt ?? systemClock.now()),
    },
    (more.signer ?? consumer).privateKey,
  )

it('has nothing to publish before anybody was promised anything', async () => {
  expect(await get('/liabilities')).toMatchObject({ status: 404 })
  expect(await get('/liabilities?root=0x12&block=1')).toMatchObject({ status: 400 })
  expect(await get('/liabilities/leaf')).toMatchObject({ status: 400 })
})

it('publishes what it owes, anchors it on chain, and proves each provider its leaf', async () => {
  const link = await dial(world, provider, running.port)
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const request = requestOf(world, consumer, channelId, provider.address, tokens('10'))
  expect(await link.request('guarantee', { channel, request })).toMatchObject({ ok: true })
  const promise = promiseOf(world, consumer, channelId, provider.address, tokens('5'))
  expect(await link.request('clear', { promises: [promise] })).toMatchObject({ ok: true })
  const owed = (tokens('5') * 98n) / 100n
  await eventually(async () => (await get('/liabilities')).body.liabilities?.sum === `${owed}`)

  const { body } = await get('/liabilities')
  const tree = sumTree(
    body.leaves.map(
      (leaf: { provider: Address; total: string; outstanding: string }): Owed => ({
        provider: leaf.provider,
        total: wei(BigInt(leaf.total)),
        outstanding: wei(BigInt(leaf.outstanding)),
      }),
    ),
  )
  expect(tree.root).toBe(body.liabilities.root)
  expect(tree.leaves).toEqual([{ provider: provider.address, total: owed, outstanding: owed }])
  const { root, blockNumber } = body.liabilities
  const anchored = async () =>
    (
      await world.chain.channels.queryFilter(
        world.chain.channels.filters.LiabilitiesAnchored(hub.address),
        blockNumber,
      )
    ).find(({ args }) => args.root === root && Number(args.blockNumber) === blockNumber)
  await eventually(async () => (await anchored()) !== undefined)
  const event = await anchored()
  expect([event?.args.sum, event?.args.pool]).toEqual([owed, tokens('100')])

  const shown = await link.request('liability', { root, blockNumber })
  if (!shown.ok || !shown.value.proof) throw new Error(JSON.stringify(shown))
  expect(world.typedData.check('Liabilities', shown.value.liabilities, hub.address)).toEqual({ ok: true })
  expect(provesSum(shown.value.proof, root, owed)).toBe(true)
  const leaf = await get(`/liabilities/leaf?provider=${provider.address}&root=${root}&block=${blockNumber}`)
  expect(leaf.body.proof.leaf).toEqual({
    provider: provider.address,
    total: `${owed}`,
    outstanding: `${owed}`,
  })
  const stranger = address(`0x${'77'.repeat(20)}`)
  expect(await link.request('liability', { provider: stranger })).toMatchObject({ value: { proof: null } })
  expect(await link.request('liability', { root: `0x${'77'.repeat(32)}`, blockNumber })).toMatchObject({
    refusal: { peerCode: 'unknown-publication' },
  })
  link.close()
})

it('goes on publishing, also when nothing changed', async () => {
  const { body } = await get('/liabilities')
  await eventually(async () => (await get('/liabilities')).body.publishedAt > body.publishedAt)
})

it('takes in session receipts from anybody who brings them, and shows what they say', async () => {
  const courier = await world.person('courier', {})
  const link = await dial(world, courier, running.port)
  const now = systemClock.now()
  const answer = await link.request('receipts', {
    receipts: [
      receipt(tokens('3'), { endedAt: now - 20 }),
      receipt(tokens('5'), { endedAt: now - 10 }),
      receipt(tokens('5'), { endedAt: now, score: 4 }),
      receipt(tokens('5.1'), { endedAt: now + 1 }),
      receipt(tokens('1'), { signer: provider }),
    ],
  })
  expect(answer).toMatchObject({
    ok: true,
    value: {
      counted: tokens('5'),
      refused: [
        { index: 3, code: 'uncovered-receipt' },
        { index: 4, code: 'wrong-signer' },
      ],
    },
  })
  link.close()
  await eventually(async () => (await get('/market')).body.paid === `${tokens('5')}`)
  expect((await get('/market')).body).toMatchObject({
    chainId: 31_337,
    offers: 0,
    sessions: 2,
    sellers: 1,
    herfindahl: 1,
    beneficiaries: [{ beneficiary: provider.address, providers: 1, share: 1 }],
  })
})
