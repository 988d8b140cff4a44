import { createServer, connect as dialTcp, type Server, type Socket } from 'node:net'
import { type Clock, channelIdOf, type Hex, systemClock } from '@pontage/shared'
import { type Chain, connectChain, type Identity } from '@pontage/shared/node'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fillPool, openChannel, startScene, startTestHub } from '../hub.fixture.js'
import type { RunningHub } from '../hub.js'
import { dial, eventually, promiseOf, requestOf, type TestChain, tokens } from '../world.fixture.js'

/** A way to the chain that can be cut. */
interface Road {
  readonly port: number
  cut(): Promise<void>
  mend(): Promise<void>
}

async function roadTo(url: string): Promise<Road> {
  const target = Number(new URL(url).port)
  const open = new Set<Socket>()
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((near) => {
      const far = dialTcp(target, '127.0.0.1')
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        open.add(socket)
        socket.on('error', () => other.destroy())
        socket.on('close', () => open.delete(socket))
        socket.pipe(other)
      }
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return server
  }
  let server = await listen(0)
  const { port } = server.address() as { port: number }
  return {
    port,
    async cut() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of open) socket.destroy()
      await closed
    },
    async mend() {
      server = await listen(port)
    },
  }
}

let world: TestChain
let road: Road
let chain: Chain
let hub: Identity
let consumer: Identity
let provider: Identity
let running: RunningHub
let channelId: Hex
let laterMs = 0
const clock: Clock = {
  now: () => systemClock.now(),
  elapsedMs: () => systemClock.elapsedMs() + laterMs,
}
const channel = () => ({ consumer: consumer.address, hub: hub.address, nonce: 1 })

beforeAll(async () => {
  ;({ world, hub, consumer, provider } = await startScene())
  await fillPool(world, hub, '100')
  channelId = await openChannel(world, consumer, hub.address, 1, '5')
  road = await roadTo(world.rpcUrl)
  chain = await connectChain({
    rpc: `http://127.0.0.1:${road.port}`,
    deploymentFile: world.deploymentFile,
    confirmations: 0,
  })
  running = await startTestHub(world, hub, 'outage.sqlite', { chain, clock })
})
afterAll(async () => {
  await running.close()
  chain.close()
  await road.cut()
  await world.close()
})

it('goes on from what it knows for a minute without the chain, then signs nothing, and recovers by itself', async () => {
  const link = await dial(world, provider, running.port)
  const guarantee = (ceiling: string) =>
    link.request('guarantee', {
      channel: channel(),
      request: requestOf(world, consumer, channelId, provider.address, tokens(ceiling)),
    })
  const clear = (amount: string) =>
    link.request('clear', {
      promises: [promiseOf(world, consumer, channelId, provider.address, tokens(amount))],
    })
  const ready = async () => (await fetch(`http://127.0.0.1:${running.port}/readyz`)).status
  expect(await guarantee('2')).toMatchObject({ ok: true })

  await road.cut()
  // What needs no look at the chain goes on; what does is refused, and the connection stands.
  expect(await clear('0.5')).toMatchObject({ ok: true, value: { refused: [] } })
  expect(await guarantee('3')).toMatchObject({ refusal: { peerCode: 'chain-unseen' } })
  const unknown = { ...channel(), nonce: 9 }
  const request = requestOf(world, consumer, channelIdOf({ chainId: 31_337 }, unknown), provider.address, 1n)
  expect(await link.request('guarantee', { channel: unknown, request })).toMatchObject({
    refusal: { peerCode: 'chain-unseen' },
  })
  expect(await ready()).toBe(200)

  laterMs = 61_000
  expect(await clear('0.6')).toMatchObject({ refusal: { peerCode: 'chain-unseen' } })
  expect(await ready()).toBe(503)

  await road.mend()
  await eventually(async () => (await ready()) === 200)
  expect(await clear('0.6')).toMatchObject({ ok: true, value: { refused: [] } })
  expect(await guarantee('3')).toMatchObject({ ok: true })
  link.close()
})
