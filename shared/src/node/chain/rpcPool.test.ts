import { createServer, type Server } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import type { Log } from '../report/log.js'
import { type Anvil, startAnvil } from './anvil.fixture.js'
import { type Chain, connectChain } from './chain.js'
import { createSender } from './sender.js'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

interface Call {
  readonly id: number
  readonly method: string
  readonly params: unknown[]
}

/** An RPC address before the real node that can be made to fail or to lie. */
interface Road {
  readonly url: string
  asked: number
  /** Answers in the node's place; undefined leaves the answer as it is. */
  lie: ((call: Call, result: unknown) => unknown) | undefined
  /** An HTTP status in place of any answer. */
  status: number
  cut(): Promise<void>
  mend(): Promise<void>
}

let anvil: Anvil
const roads: Road[] = []
let chain: Chain | undefined
const said: string[] = []
const note = (level: string) => (message: string, details?: object) => {
  said.push(
    `${level} ${message} ${JSON.stringify(details ?? {}, (_key, each) => (typeof each === 'bigint' ? `${each}` : each))}`,
  )
}
const log: Log = { error: note('error'), warn: note('warn'), info: note('info'), debug: () => undefined }

async function openRoad(): Promise<Road> {
  let server: Server
  const listen = async (port: number): Promise<number> => {
    server = createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        const body = Buffer.concat(pieces).toString()
        road.asked++
        if (road.status !== 200) return response.writeHead(road.status).end('busy')
        void fetch(anvil.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
          .then((answer) => answer.json())
          .then((answer: unknown) => {
            const calls = [JSON.parse(body)].flat() as Call[]
            const told = ([answer].flat() as { id: number; result: unknown }[]).map((each) => {
              const call = calls.find(({ id }) => id === each.id)
              const lie = call && road.lie?.(call, each.result)
              return lie === undefined ? each : { ...each, result: lie }
            })
            response.writeHead(200, { 'content-type': 'application/json' })
            response.end(JSON.stringify(Array.isArray(answer) ? told : told[0]))
          })
          .catch(() => response.destroy())
      })
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return (server.address() as { port: number }).port
  }
  const port = await listen(0)
  const road: Road = {
    url: `http://127.0.0.1:${port}`,
    asked: 0,
    lie: undefined,
    status: 200,
    async cut() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
    async mend() {
      await listen(port)
    },
  }
  roads.push(road)
  return road
}

const connect = async (...given: Road[]): Promise<Chain> => {
  chain = await connectChain({
    rpc: given.map(({ url }) => url),
    deploymentFile: anvil.deploymentFile,
    confirmations: 0,
    log,
  })
  return chain
}

beforeAll(async () => {
  anvil = await startAnvil()
})
afterAll(() => anvil?.close())
beforeEach(() => {
  said.length = 0
})
afterEach(async () => {
  chain?.close()
  chain = undefined
  for (const road of roads.splice(0)) await road.cut().catch(() => undefined)
})

it('goes on with the next address when one is gone, and says so once', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const { rpc } = await connect(first, second)
  expect(rpc.url).toBe(first.url)
  await first.cut()
  expect(await rpc.getBlockNumber()).toBeGreaterThan(0)
  expect(await rpc.getBlockNumber()).toBeGreaterThan(0)
  expect(rpc.url).toBe(second.url)
  expect(said.filter((line) => line.includes(`warn RPC passed over {"rpc":"${first.url}"`))).toHaveLength(1)
  await first.mend()
})

it('starts while one of its addresses is gone, and names it', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  await first.cut()
  const { rpc } = await connect(first, second)
  expect(await rpc.getBlockNumber()).toBeGreaterThan(0)
  expect(said.some((line) => line.startsWith('warn RPC does not answer') && line.includes(first.url))).toBe(
    true,
  )
  await first.mend()
})

it('fails when all are gone, and works again when one is back', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const { rpc } = await connect(first, second)
  await first.cut()
  await second.cut()
  await expect(rpc.getBlockNumber()).rejects.toThrow(/ECONNREFUSED/)
  await second.mend()
  expect(await rpc.getBlockNumber()).toBeGreaterThan(0)
  expect(rpc.url).toBe(second.url)
  await first.mend()
})

it('goes on with the next address when one is too busy', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const { rpc } = await connect(first, second)
  first.status = 429
  expect(await rpc.getBlockNumber()).toBeGreaterThan(0)
  expect(rpc.url).toBe(second.url)
})

it('takes a refusal of the chain for an answer', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const { rpc, channels } = await connect(first, second)
  const nobody = `0x${'0b'.repeat(20)}`
  await expect(
    channels.redeem.staticCall({ hub: nobody, provider: nobody, total: 0n, signature: '0x' }),
  ).rejects.toMatchObject({ code: 'CALL_EXCEPTION' })
  expect(rpc.url).toBe(first.url)
})

it('does not start on addresses of two chains', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  second.lie = ({ method }) => (method === 'eth_chainId' ? '0x1' : undefined)
  await expect(connect(first, second)).rejects.toThrow(
    `${first.url} is on chain 31337, but ${second.url} is on chain 1. Give addresses of the same chain to --rpc.`,
  )
})

it('ignores an address that has come back on another chain', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const { rpc } = await connect(first, second)
  second.lie = ({ method }) => (method === 'eth_chainId' ? '0x1' : undefined)
  await first.cut()
  await expect(rpc.getBlockNumber()).rejects.toThrow(/ECONNREFUSED/)
  expect(said.some((line) => line.includes(second.url) && line.includes('is chain 1, not 31337'))).toBe(true)
  await first.mend()
  expect(await rpc.getBlockNumber()).toBeGreaterThan(0)
  expect(rpc.url).toBe(first.url)
})

it('passes over a node whose chain has become shorter, while another knows more', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  await anvil.rpc('anvil_mine', '0x14')
  const { rpc } = await connect(first, second)
  const newest = await rpc.getBlockNumber()
  first.lie = ({ method }) => (method === 'eth_blockNumber' ? '0x1' : undefined)
  expect(await rpc.getBlockNumber()).toBe(newest)
  expect(rpc.url).toBe(second.url)
})

it('notices a node that leaves out logs, and reads them from another', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const connected = await connect(first, second)
  const { number, topic } = await approveOnce(connected, 'gap 1')
  const filter = {
    address: connected.deployment.token,
    topics: [topic],
    fromBlock: number - 3,
    toBlock: number,
  }
  first.lie = ({ method }) => (method === 'eth_getLogs' ? [] : undefined)
  expect(await connected.rpc.getLogs(filter)).toHaveLength(1)
  expect(connected.rpc.url).toBe(second.url)
  expect(
    said.some((line) => line.includes(first.url) && line.includes(`leaves out logs of block ${number}`)),
  ).toBe(true)
})

it('reads nothing rather than too little when every node leaves out logs', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const connected = await connect(first, second)
  const { number } = await approveOnce(connected, 'gap 2')
  const filter = { address: connected.deployment.token, fromBlock: number, toBlock: number }
  for (const road of [first, second]) road.lie = ({ method }) => (method === 'eth_getLogs' ? [] : undefined)
  await expect(connected.rpc.getLogs(filter)).rejects.toThrow(`leaves out logs of block ${number}`)
  for (const road of [first, second]) road.lie = undefined
  expect(await connected.rpc.getLogs(filter)).toHaveLength(1)
  // Other contracts' blocks are none of its business.
  expect(await connected.rpc.getLogs({ ...filter, address: connected.deployment.marketplace })).toEqual([])
})

async function approveOnce(on: Chain, name: string): Promise<{ number: number; topic: string }> {
  const somebody = await anvil.person(name)
  const { receipt } = await createSender(on, somebody).send(
    on.token.approve.populateTransaction(on.deployment.channels, 1n),
  )
  return { number: receipt.blockNumber, topic: receipt.logs[0]?.topics[0] ?? '' }
}
