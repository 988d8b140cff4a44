import { join } from 'node:path'
import type { Hex } from '@pontage/shared'
import { type Chain, connectChain, type Log } from '@pontage/shared/node'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type StreetNode, startStreetNode } from '../../../shared/src/node/chain/streetNode.fixture.js'
import { openSqliteLedger } from '../io/sqlite/sqliteLedger.js'
import { openChannel, startScene, startTestHub } from './hub.fixture.js'
import type { RunningHub } from './hub.js'
import { eventually, tokens } from './world.fixture.js'

// A hub that joins a chain late, or was away for long, through a node that fails on the way.

const blocks = 200_000
let scene: Awaited<ReturnType<typeof startScene>>
let node: StreetNode
let chain: Chain | undefined
let running: RunningHub | undefined
let early: Hex
let late: Hex
let emptyBlocks: { after: number; count: number; since?: number; salt?: number }
const said: string[] = []
const note = (message: string, details?: object) => void said.push(`${message} ${JSON.stringify(details)}`)
const log: Log = { error: note, warn: note, info: note, debug: () => undefined }

beforeAll(async () => {
  scene = await startScene()
  const { world, hub, consumer } = scene
  early = await openChannel(world, consumer, hub.address, 1, '5')
  emptyBlocks = { after: (await world.chain.head()).number, count: blocks }
  late = await openChannel(world, consumer, hub.address, 2, '7')
  await world.rpc('anvil_mine', '0x4')
  node = await startStreetNode(world.rpcUrl, { emptyBlocks })
})
afterEach(async () => {
  await running?.close()
  chain?.close()
  running = undefined
  chain = undefined
})
afterAll(async () => {
  await node?.close()
  await scene?.world.close()
})

async function start(ledger: string): Promise<RunningHub> {
  const { world, hub } = scene
  chain = await connectChain({
    ...{ rpc: node.url, deploymentFile: world.deploymentFile, confirmations: 2, log },
  })
  const ready = await startTestHub(world, hub, ledger, {
    chain,
    log,
    home: join(world.folder, ledger, '..', 'home'),
  })
  running = ready
  return ready
}

/** First block of the events of the channels that was asked for since the list was emptied. */
const firstAsked = () => Math.min(...node.ranges.map(([from]) => from))

it('keeps what it read on a first way of 200,000 blocks, over failures and starts', async () => {
  const name = 'long.sqlite'
  let failures = 0
  const begun: number[] = []
  for (; failures < 10; failures++) {
    node.ranges.length = 0
    node.habits = { emptyBlocks, rangeLimit: 5_000, failsAfter: 16 }
    const failure = await start(name).then(
      () => undefined,
      (error: Error) => error,
    )
    begun.push(firstAsked())
    if (failure === undefined) break
    expect(failure.message).toContain('The chain cannot be followed: HTTP 500')
    chain?.close()
  }
  // Each start went on where the one before it ended, and one of them came to the end.
  expect(failures).toBeGreaterThan(1)
  expect(failures).toBeLessThan(8)
  expect(begun).toEqual([...begun].sort((a, b) => a - b))
  expect(begun.at(-1)).toBeGreaterThan(100_000)
  expect(said.filter((line) => line.startsWith('reading the chain')).length).toBeGreaterThan(3)

  node.habits = { emptyBlocks }
  const ledger = await openSqliteLedger(join(scene.world.folder, name))
  const balances = async () => [(await ledger.channel(early))?.balance, (await ledger.channel(late))?.balance]
  await eventually(async () => `${await balances()}` === `${[tokens('5'), tokens('7')]}`)
  expect((await ledger.cursor())?.number).toBeGreaterThan(blocks)
  await ledger.close()
})

it('goes back to the newest block that is still there when the chain was reorganised, not to the first', async () => {
  const name = 'replaced.sqlite'
  node.habits = { emptyBlocks }
  // The ledger's last block becomes one that is replaced: all that follow it are hidden for a while.
  const shown = { ...emptyBlocks }
  const { world } = scene
  await start(name)
  await running?.close()
  running = undefined
  chain?.close()
  const ledger = await openSqliteLedger(join(world.folder, name))
  const cursor = await ledger.cursor()
  if (!cursor) throw new Error('The hub read nothing.')
  const hub = await ledger.standing()
  const update = { hub, channels: [], tabs: [], accounts: [] }
  for (const number of [cursor.number + 100, cursor.number + 200])
    await ledger.applyChain({ ...update, cursor: { number, hash: `0x${'dd'.repeat(32)}`, at: cursor.at } })
  await ledger.close()
  await world.rpc('anvil_mine', '0x100')
  node.ranges.length = 0
  node.habits = { emptyBlocks: shown }
  said.length = 0
  await start(name)
  expect(said.find((line) => line.startsWith('chain reorganised'))).toContain(
    `"readAgainFrom":${cursor.number + 1}`,
  )
  expect(firstAsked()).toBeGreaterThan(cursor.number)
})
