import { refuse } from '@pontage/shared'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillPool, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, eventually, promiseOf, requestOf, tokens } from '../world.fixture.js'

let scene: Awaited<ReturnType<typeof startScene>>
let running: RunningHub
beforeAll(async () => {
  scene = await startScene()
  await fillPool(scene.world, scene.hub, '100')
  running = await startTestHub(scene.world, scene.hub, 'unreleased.sqlite', {
    settings: { guaranteeSeconds: 6 },
  })
})
afterAll(async () => {
  await running.close()
  await scene.world.close()
})

it('closes a channel though a provider releases nothing, and clears the same again and again', async () => {
  const { world, hub, consumer, provider } = scene
  const channelId = await openChannel(world, consumer, hub.address, 1, '5')
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const serving = await dial(world, provider, running.port, {
    requests: { release: async () => refuse({ code: 'unknown-channel', channelId }) },
  })
  const request = requestOf(world, consumer, channelId, provider.address, tokens('3'))
  expect(await serving.request('guarantee', { channel, request })).toMatchObject({ ok: true })
  const promises = [promiseOf(world, consumer, channelId, provider.address, tokens('1'))]
  const closing = await dial(world, consumer, running.port)
  const draft = () => closing.request('close-draft', { channel })
  expect(await serving.request('clear', { promises })).toMatchObject({ ok: true })
  expect(await draft()).toMatchObject({ refusal: { peerCode: 'close-delayed' } })
  // Within a few lives of a guarantee. The hub refuses whoever asks too often, so the answer that ends this is the one that counts.
  const giveUpAt = Date.now() + 25_000
  let answer = await draft()
  await eventually(async () => {
    await world.rpc('evm_mine')
    await serving.request('clear', { promises })
    answer = await draft()
    return answer.ok || Date.now() > giveUpAt
  })
  expect(answer).toMatchObject({
    ok: true,
    value: { totals: [{ provider: provider.address, amount: tokens('1') }], releases: [] },
  })
  serving.close()
  closing.close()
}, 60_000)
