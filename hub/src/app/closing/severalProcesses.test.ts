import { unixSeconds } from '@pontage/shared'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgresLedger } from '../../io/postgres/postgresLedger.js'
import { startPostgres, type TestPostgres } from '../../postgres.fixture.js'
import { fillPool, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, eventually, promiseOf, requestOf, tokens } from '../world.fixture.js'

let scene: Awaited<ReturnType<typeof startScene>>
let server: TestPostgres
const hubs: RunningHub[] = []
beforeAll(async () => {
  server = await startPostgres()
  scene = await startScene()
  await fillPool(scene.world, scene.hub, '100')
  const url = await server.database()
  for (let n = 0; n < 2; n++)
    hubs.push(await startTestHub(scene.world, scene.hub, await openPostgresLedger(url)))
})
afterAll(async () => {
  for (const each of hubs) await each.close()
  await scene?.world.close()
  await server?.stop()
})

it('closes a channel whose provider is connected to another process than its consumer', async () => {
  const { world, hub, consumer, provider } = scene
  const [first, second] = hubs as [RunningHub, RunningHub]
  const channelId = await openChannel(world, consumer, hub.address, 1, '5')
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  let asked = 0
  let isDone = false
  const serving = await dial(world, provider, second.port, {
    requests: {
      release: () => {
        asked++
        if (!isDone) return { ok: false, refusal: { code: 'unknown-channel', channelId } }
        const release = {
          ...{ provider: provider.address, channelId, amount: tokens('1') },
          upTo: unixSeconds(2 ** 40),
        }
        return {
          ok: true,
          value: { release: world.typedData.signed('Release', release, provider.privateKey) },
        }
      },
    },
  })
  const request = requestOf(world, consumer, channelId, provider.address, tokens('3'))
  expect(await serving.request('guarantee', { channel, request })).toMatchObject({ ok: true })
  const promise = promiseOf(world, consumer, channelId, provider.address, tokens('1'))
  expect(await serving.request('clear', { promises: [promise] })).toMatchObject({ ok: true })

  const closing = await dial(world, consumer, first.port)
  const draft = () => closing.request('close-draft', { channel }, 20_000)
  // A provider that will not release delays the close there as here.
  expect(await draft()).toMatchObject({ refusal: { peerCode: 'close-delayed' } })
  expect(asked).toBe(1)
  isDone = true
  expect(await draft()).toMatchObject({
    ok: true,
    value: {
      totals: [{ provider: provider.address, amount: tokens('1') }],
      releases: [{ provider: provider.address, amount: tokens('1') }],
    },
  })
  expect(asked).toBe(2)
  // One that is connected nowhere delays it, too.
  serving.close()
  await eventually(async () => {
    const gone = await draft()
    return !gone.ok && gone.refusal.code === 'peer-refused' && gone.refusal.peerCode === 'close-delayed'
  })
  closing.close()
})
