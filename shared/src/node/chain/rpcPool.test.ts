import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { unixSeconds } from '../../units.js'
import type { Log } from '../report/log.js'
import { type Anvil, eventually, startAnvil } from './anvil.fixture.js'
import { type Chain, connectChain } from './chain.js'
import { judgeHead } from './freshHead.js'
import { type Road, roadTo } from './road.fixture.js'
import { createSender } from './sender.js'

let anvil: Anvil
const roads: Road[] = []
const openRoad = async (): Promise<Road> => {
  const road = await roadTo(anvil.url)
  roads.push(road)
  return road
}
let chain: Chain | undefined
const said: string[] = []
const note = (level: string) => (message: string, details?: object) => {
  said.push(
    `${level} ${message} ${JSON.stringify(details ?? {}, (_key, each) => (typeof each === 'bigint' ? `${each}` : each))}`,
  )
}
const log: Log = { error: note('error'), warn: note('warn'), info: note('info'), debug: () => undefined }

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

it('passes over a node that stands still while it answers, though it was never behind what it said before', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const connected = await connect(first, second)
  const newest = await connected.rpc.send('eth_getBlockByNumber', ['latest', false])
  const standing = Number(newest.number)
  first.lie = ({ method, params }) =>
    method === 'eth_blockNumber' ? newest.number : params?.[0] === 'latest' ? newest : undefined
  await anvil.rpc('anvil_mine', '0x66')
  await eventually(async () => (await connected.head()).number === standing + 0x66)
  expect(connected.rpc.url).toBe(second.url)
  expect(
    said.some((line) => line.includes(`is at block ${standing}, while block ${standing + 0x66} is known`)),
  ).toBe(true)
})

it('puts no node aside for one that claims a block it cannot show, in use or not', async () => {
  const [first, second] = [await openRoad(), await openRoad()]
  const { rpc } = await connect(first, second)
  const newest = await rpc.getBlockNumber()
  second.lie = ({ method }) => (method === 'eth_blockNumber' ? '0x3b9aca00' : undefined)
  await eventually(async () => {
    expect(await rpc.getBlockNumber()).toBe(newest)
    return said.some((line) => line.includes('claims block 1000000000 and cannot show it'))
  })
  expect(rpc.url).toBe(first.url)
  expect(said.some((line) => line.includes('is at block'))).toBe(false)
  // The same from the node in use: the other takes its place.
  second.lie = undefined
  first.lie = ({ method }) => (method === 'eth_blockNumber' ? '0x3b9aca00' : undefined)
  await eventually(async () => (await rpc.getBlockNumber()) === newest && rpc.url === second.url)
})

it('notices another chain behind its only address, and the right one again', async () => {
  const only = await openRoad()
  const { rpc } = await connect(only)
  await rpc.getBlockNumber()
  const laterMs = performance.now() + 31_000
  vi.spyOn(performance, 'now').mockImplementation(() => laterMs)
  only.lie = ({ method }) => (method === 'eth_chainId' ? '0x1' : undefined)
  await expect(rpc.getBlockNumber()).rejects.toThrow('No RPC address is on chain 31337 any more.')
  expect(said.some((line) => line.includes('is chain 1, not 31337'))).toBe(true)
  only.lie = undefined
  expect(await rpc.getBlockNumber()).toBeGreaterThan(0)
  vi.restoreAllMocks()
})

it('does not rely on a newest block that is older than the chain makes them', async () => {
  const connected = await connect(await openRoad())
  const publicChain = { ...connected, maxHeadAgeSeconds: 60 }
  const head = await connected.head()
  expect(judgeHead(publicChain, head, unixSeconds(head.at + 60))).toEqual({ ok: true })
  expect(judgeHead(publicChain, head, unixSeconds(head.at + 61))).toEqual({
    ok: false,
    refusal: { code: 'chain-unseen', seconds: 61 },
  })
  // A block from the future says nothing of the present, either.
  expect(judgeHead(publicChain, head, unixSeconds(head.at - 60))).toEqual({ ok: true })
  expect(judgeHead(publicChain, head, unixSeconds(head.at - 61))).toEqual({
    ok: false,
    refusal: { code: 'chain-unseen', seconds: 61 },
  })
  // A node for development makes blocks when it has something to put into them.
  expect(judgeHead(connected, head, unixSeconds(head.at + 9_999_999))).toEqual({ ok: true })
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
