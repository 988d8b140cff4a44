import { createServer } from 'node:http'
import { type Clock, systemClock } from '@pontage/shared'
import { type Chain, connectChain, type Identity, type Log } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openChannel, startScene, startTestHub } from './hub.fixture.js'
import type { RunningHub } from './hub.js'
import { dial, eventually, requestOf, type TestChain, tokens } from './world.fixture.js'

interface Call {
  readonly id: number
  readonly method: string
}

/** Two addresses of one node that leave out every log while told to lie. */
const nodes: { url: string; close(): Promise<void> }[] = []
let isLying = false
let world: TestChain
let chain: Chain
let hub: Identity
let consumer: Identity
let provider: Identity
let running: RunningHub
let laterMs = 0
const said: string[] = []
const note = (message: string, details?: object) =>
  void said.push(`${message} ${JSON.stringify(details, textOf)}`)
const textOf = (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)
const log: Log = { error: note, warn: note, info: note, debug: () => undefined }
const clock: Clock = {
  now: () => systemClock.now(),
  elapsedMs: () => systemClock.elapsedMs() + laterMs,
}

async function openNode(target: string): Promise<void> {
  const server = createServer(async (request, response) => {
    try {
      let body = ''
      for await (const piece of request) body += piece
      const answer = await fetch(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      const told: unknown = await answer.json()
      const silent = new Set(
        ([JSON.parse(body)].flat() as Call[])
          .filter(({ method }) => isLying && method === 'eth_getLogs')
          .map(({ id }) => id),
      )
      const bent = ([told].flat() as Call[]).map((each) =>
        silent.has(each.id) ? { ...each, result: [] } : each,
      )
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(Array.isArray(told) ? bent : bent[0]))
    } catch {
      response.destroy()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  nodes.push({
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
  for (let count = 0; count < 2; count++) await openNode(world.rpcUrl)
  chain = await connectChain({
    rpc: nodes.map(({ url }) => url),
    deploymentFile: world.deploymentFile,
    confirmations: 0,
    log,
  })
  running = await startTestHub(world, hub, 'lied-to.sqlite', { chain, clock, log })
})
afterAll(async () => {
  await running?.close()
  chain?.close()
  for (const node of nodes) await node.close()
  await world?.close()
})

it('takes nothing for known while all its nodes leave out logs, and goes on when one tells all', async () => {
  const ready = async () => (await fetch(`http://127.0.0.1:${running.port}/readyz`)).status
  expect(await ready()).toBe(200)
  isLying = true
  const channel = { consumer: consumer.address, hub: hub.address, nonce: 1 }
  const channelId = await openChannel(world, consumer, hub.address, 1, '5')
  const link = await dial(world, provider, running.port)
  const guarantee = () =>
    link.request('guarantee', {
      channel,
      request: requestOf(world, consumer, channelId, provider.address, tokens('2')),
    })
  // Not "unknown": the hub knows that it does not know.
  expect(await guarantee()).toMatchObject({ refusal: { peerCode: 'chain-unseen' } })
  for (const { url } of nodes)
    await eventually(async () => said.some((line) => line.includes(url) && line.includes('leaves out logs')))
  laterMs = 61_000
  await eventually(async () => (await ready()) === 503)

  isLying = false
  await eventually(async () => (await ready()) === 200)
  expect(await guarantee()).toMatchObject({ ok: true })
  link.close()
})
