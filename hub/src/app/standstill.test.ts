import { type Clock, systemClock } from '@pontage/shared'
import { type Chain, connectChain } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillPool, openChannel, startScene, startTestHub } from './hub.fixture.js'
import type { RunningHub } from './hub.js'
import { dial, eventually, promiseOf, requestOf, tokens } from './world.fixture.js'

let scene: Awaited<ReturnType<typeof startScene>>
let chain: Chain
let running: RunningHub
let laterSeconds = 0
const clock: Clock = {
  now: () => (systemClock.now() + laterSeconds) as ReturnType<Clock['now']>,
  elapsedMs: systemClock.elapsedMs,
}

beforeAll(async () => {
  scene = await startScene()
  const { world, hub } = scene
  await fillPool(world, hub, '100')
  chain = await connectChain({
    rpc: world.rpcUrl,
    deploymentFile: world.deploymentFile,
    confirmations: 0,
    maxHeadAgeSeconds: 60,
  })
  running = await startTestHub(world, hub, 'standstill.sqlite', { chain, clock })
})
afterAll(async () => {
  await running?.close()
  chain?.close()
  await scene?.world.close()
})

it('signs nothing on a chain that stands still, though its node answers everything', async () => {
  const { world, hub, consumer, provider } = scene
  const channelId = await openChannel(world, consumer, hub.address, 1, '5')
  const link = await dial(world, provider, running.port)
  const clear = (amount: string) =>
    link.request('clear', {
      promises: [promiseOf(world, consumer, channelId, provider.address, tokens(amount))],
    })
  const ready = async () => (await fetch(`http://127.0.0.1:${running.port}/readyz`)).status
  const request = requestOf(world, consumer, channelId, provider.address, tokens('2'))
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  await eventually(async () => (await link.request('guarantee', { channel, request })).ok)
  expect(await clear('0.5')).toMatchObject({ ok: true, value: { refused: [] } })
  expect(await ready()).toBe(200)

  laterSeconds = 200
  expect(await clear('0.6')).toMatchObject({ refusal: { peerCode: 'chain-unseen' } })
  expect(await ready()).toBe(503)

  await world.rpc('evm_setNextBlockTimestamp', systemClock.now() + laterSeconds)
  await world.rpc('evm_mine')
  await eventually(async () => (await ready()) === 200)
  expect(await clear('0.6')).toMatchObject({ ok: true, value: { refused: [] } })
  link.close()
})
