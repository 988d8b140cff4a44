import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Log } from '../report/log.js'
import { type Anvil, startAnvil } from './anvil.fixture.js'
import { type Chain, connectChain } from './chain.js'
import { inPieces } from './logScan.js'
import { type Habits, type StreetNode, startStreetNode } from './streetNode.fixture.js'

// Nodes as people find them: each takes something that another refuses.

let anvil: Anvil
let node: StreetNode | undefined
let chain: Chain | undefined
const said: string[] = []
const note = (message: string, details?: object) =>
  void said.push(`${message} ${JSON.stringify(details ?? {})}`)
const log: Log = { error: note, warn: note, info: note, debug: note }

beforeAll(async () => {
  anvil = await startAnvil()
})
afterAll(() => anvil?.close())
afterEach(async () => {
  chain?.close()
  await node?.close()
  chain = undefined
  node = undefined
  said.length = 0
})

async function connect(habits: Habits, address = (url: string) => url): Promise<[Chain, StreetNode]> {
  node = await startStreetNode(anvil.url, habits)
  chain = await connectChain({
    ...{ rpc: address(node.url), deploymentFile: anvil.deploymentFile, confirmations: 0, log },
  })
  return [chain, node]
}

/** Reads all logs of a contract from the first block on, and says in which pieces. */
async function scan({ rpc, deployment }: Chain, to: number): Promise<number[]> {
  const sizes: number[] = []
  const pieces = inPieces(0, to, (fromBlock, toBlock) =>
    rpc.getLogs({ address: deployment.channels, fromBlock, toBlock }),
  )
  for await (const piece of pieces) sizes.push(piece.to - piece.from + 1)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(to + 1)
  return sizes
}

describe('messages of several questions', () => {
  it.each(
    [10, 3, 1].flatMap((limit) => (['status', 'error', 'each'] as const).map((how) => [limit, how] as const)),
  )('become as small as the node takes them: %i, refused by %s', async (batchLimit, batchRefusal) => {
    const [{ rpc }, street] = await connect({ batchLimit, batchRefusal })
    const ask = () => Promise.all(Array.from({ length: 60 }, () => rpc.getBlock(1)))
    expect(new Set((await ask()).map((block) => block?.number))).toEqual(new Set([1]))
    // It is learnt once.
    const { refusals } = street
    await ask()
    expect(street.refusals).toBe(refusals)
  })
})

describe('a long reading', () => {
  const emptyBlocks = { after: 3, count: 30_000 }

  it.each([true, false])(
    'takes ranges of 500 blocks where the node refuses more (it says so: %s)',
    async (saysRange) => {
      const [connected, street] = await connect({ emptyBlocks, rangeLimit: 500, saysRange })
      const sizes = await scan(connected, 10_000)
      expect(Math.max(...sizes)).toBe(500)
      expect(street.refusals).toBeLessThan(8)
    },
  )

  it('takes larger ranges again after a node that refused them takes them', async () => {
    const [connected, street] = await connect({ emptyBlocks, rangeLimit: 500 })
    await connected.rpc.getBlockNumber()
    const sizes: number[] = []
    const { rpc, deployment } = connected
    const pieces = inPieces(0, 30_000, (fromBlock, toBlock) =>
      rpc.getLogs({ address: deployment.channels, fromBlock, toBlock }),
    )
    for await (const { from, to } of pieces) {
      sizes.push(to - from + 1)
      if (sizes.length === 3) street.habits = { emptyBlocks }
    }
    expect(sizes.slice(0, 3)).toEqual([500, 500, 500])
    expect(Math.max(...sizes)).toBeGreaterThanOrEqual(2_000)
  })

  it('goes on while the node is too busy now and then, at the same size', async () => {
    const [connected, street] = await connect({ emptyBlocks, busyEvery: 3 })
    const sizes = await scan(connected, 30_000)
    expect(sizes.slice(0, 3)).toEqual([2_000, 4_000, 8_000])
    expect(street.ranges).toHaveLength(sizes.length)
  })

  it('fails with the node’s own words when it stays away', async () => {
    const [connected] = await connect({ emptyBlocks, failsAfter: 2 })
    await expect(scan(connected, 30_000)).rejects.toThrow('HTTP 500')
  })
})

describe('headers whose filters are full', () => {
  const blockWithLogs = async ({ rpc, deployment }: Chain) => {
    const [first] = await rpc.getLogs({
      address: deployment.token,
      fromBlock: 0,
      toBlock: await rpc.getBlockNumber(),
    })
    if (first === undefined) throw new Error('The token said nothing.')
    return first.blockNumber
  }

  it('cost one question a block near the head, and none far from it', async () => {
    const [connected, street] = await connect({ fullBlooms: true, emptyBlocks: { after: 3, count: 1_000 } })
    const { rpc, deployment } = connected
    const newest = await rpc.getBlockNumber()
    street.asked.clear()
    await rpc.getLogs({ address: deployment.marketplace, fromBlock: newest - 40, toBlock: newest })
    expect(street.asked.get('eth_getBlockReceipts') ?? 0).toBeLessThanOrEqual(8)
    expect(street.asked.get('eth_getTransactionReceipt')).toBeUndefined()
    street.asked.clear()
    await rpc.getLogs({ address: deployment.marketplace, fromBlock: 0, toBlock: 500 })
    expect([...street.asked.keys()]).toEqual(['eth_getLogs'])
  })

  it('still show that logs were left out', async () => {
    const [connected, street] = await connect({ fullBlooms: true })
    const { rpc, deployment } = connected
    const number = await blockWithLogs(connected)
    street.habits = { fullBlooms: true, hidesLogs: true }
    const filter = { address: deployment.token, fromBlock: number, toBlock: number }
    await expect(rpc.getLogs(filter)).rejects.toThrow(`leaves out logs of block ${number}`)
  })

  it('are passed over where the node does not give all receipts of a block', async () => {
    const [connected, street] = await connect({ fullBlooms: true, unknownMethods: ['eth_getBlockReceipts'] })
    const { rpc, deployment } = connected
    const newest = await rpc.getBlockNumber()
    await rpc.getLogs({ address: deployment.marketplace, fromBlock: 0, toBlock: newest })
    await rpc.getLogs({ address: deployment.marketplace, fromBlock: 0, toBlock: newest })
    expect(street.asked.get('eth_getBlockReceipts')).toBe(1)
  })
})

describe('an address with a user, a password and a key', () => {
  const secretive = (url: string) =>
    `${url.replace('://', '://someone:open%20sesame@')}/v3/0123456789abcdef?k=hidden-key`
  const secrets = /someone|sesame|0123456789abcdef|hidden-key/

  it('is used', async () => {
    const [{ rpc }] = await connect({ login: 'someone:open sesame' }, secretive)
    expect(await rpc.getBlockNumber()).toBeGreaterThan(0)
    expect(rpc.url).toBe(`${node?.url}/…`)
  })

  it('appears in no error and in no line of the log', async () => {
    const wrong = connect({ login: 'else:else' }, secretive).catch((error: Error) => error)
    expect(`${await wrong}`).toContain(`The chain at ${node?.url}/… cannot be reached: HTTP 401 Unauthorized`)
    const gone = 'http://someone:open%20sesame@127.0.0.1:9/v3/0123456789abcdef'
    const failed = await connectChain({ rpc: gone, confirmations: 0, log }).catch((error: Error) => error)
    expect(`${failed}`).toContain('ECONNREFUSED')
    const noAddress = await connectChain({ rpc: 'someone:sesame@host', confirmations: 0 }).catch(
      (error: Error) => error,
    )
    await node?.close()
    const [{ rpc }, street] = await connect({}, secretive)
    await street.close()
    const silent = await rpc.getBlockNumber().catch((error: Error) => error)
    for (const error of [await wrong, failed, noAddress, silent])
      expect((error as Error).message).not.toMatch(secrets)
    expect(said.length).toBeGreaterThan(0)
    expect(said.join('\n')).not.toMatch(secrets)
    node = undefined
  })
})

it('asks for no block by a name that some nodes do not know', async () => {
  const [connected, street] = await connect({})
  await connected.confirmed()
  await connected.token.balanceOf(connected.deployment.token)
  expect([...street.tags].filter((tag) => tag !== 'latest')).toEqual([])
})
