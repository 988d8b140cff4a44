import { channelIdOf, type Hex } from '@pontage/shared'
import { createSender } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { drawsInBatch } from '../../core/drawPolicy.js'
import type { Ledger } from '../../io/ledger.js'
import { openPostgresLedger } from '../../io/postgres/postgresLedger.js'
import { startPostgres, type TestPostgres } from '../../postgres.fixture.js'
import { fillPool, startScene, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, promiseOf, requestOf, tokens } from '../world.fixture.js'

let scene: Awaited<ReturnType<typeof startScene>>
let server: TestPostgres
const ledgers: Ledger[] = []
const hubs: RunningHub[] = []
beforeAll(async () => {
  server = await startPostgres()
  scene = await startScene()
  await fillPool(scene.world, scene.hub, '0.405')
  const url = await server.database()
  for (let n = 0; n < 2; n++) {
    const ledger = await openPostgresLedger(url)
    ledgers.push(ledger)
    hubs.push(await startTestHub(scene.world, scene.hub, ledger))
  }
})
afterAll(async () => {
  for (const each of hubs) await each.close()
  await scene?.world.close()
  await server?.stop()
})

it('relieves a pool by the best of what waits, also where another process writes to the chain', async () => {
  const { world, hub, consumer, provider } = scene
  const { channels, token } = world.chain
  const sender = createSender(world.chain, consumer)
  await sender.send(token.approve.populateTransaction(world.deployment.channels, tokens('50')))
  const count = drawsInBatch + 2
  const ids: Hex[] = []
  for (let nonce = 1; nonce <= count; nonce++) {
    await sender.send(channels.open.populateTransaction(hub.address, nonce, tokens('0.1')))
    ids.push(channelIdOf(world.deployment, { consumer: consumer.address, hub: hub.address, nonce }))
  }
  const leads = await Promise.all(ledgers.map((ledger) => ledger.leads()))
  expect(leads.filter(Boolean)).toHaveLength(1)
  const other = await dial(world, provider, (hubs[leads.indexOf(false)] as RunningHub).port)
  for (const [index, channelId] of ids.entries()) {
    const channel = { consumer: consumer.address, hub: hub.address, nonce: index + 1 }
    const request = requestOf(world, consumer, channelId, provider.address, tokens('0.02'))
    expect(await other.request('guarantee', { channel, request })).toMatchObject({ ok: true })
  }
  const promises = ids.map((id) => promiseOf(world, consumer, id, provider.address, tokens('0.01')))
  const drawn = async () => {
    const tabs = await Promise.all(ids.map((id) => channels.tabOf(id, provider.address)))
    return tabs.filter((tab) => tab.drawn > 0n).length
  }
  // The pool covers all but the last.
  expect(await other.request('clear', { promises: promises.slice(1) }, 60_000)).toMatchObject({ ok: true })
  expect(await drawn()).toBe(0)
  expect(await other.request('clear', { promises: promises.slice(0, 1) }, 60_000)).toMatchObject({ ok: true })
  expect(await drawn()).toBe(drawsInBatch)
  other.close()
}, 120_000)
