import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Filter, Log } from 'ethers'
import type { Address } from '../../units.js'
import { writeFileDurably } from '../home/durableFile.js'
import type { Block } from './block.js'
import type { Chain } from './chain.js'
import { inPieces } from './logScan.js'

/** An event as the cache keeps it. */
export interface KeptLog {
  readonly topics: readonly string[]
  readonly data: string
  readonly blockNumber: number
  readonly blockHash: string
  readonly transactionHash: string
  readonly index: number
}

/** Which events: of one contract, the newest of each value of the first indexed field. */
export interface LogQuery {
  readonly contract: Address
  readonly topics: NonNullable<Filter['topics']>
}

/** The newest event of each value, read once and kept. */
export interface LogCache {
  /**
   * What stands up to a confirmed block, by the value of the first indexed field. Where the chain no longer has the block
   * that the cache ends with, it goes on from an earlier one.
   */
  upTo(block: Block): Promise<ReadonlyMap<string, KeptLog>>
}

/** All that stood up to a block. */
interface Snapshot {
  readonly block: Pick<Block, 'number' | 'hash'>
  readonly logs: ReadonlyMap<string, KeptLog>
}

/** How often a long reading is kept and told of, and how often what a running program read is. */
const stepMs = 2_000
const stepBlocks = 20_000
const saveEveryMs = 60_000
/** Blocks by which the earlier snapshot is older, at least and at most as long as it is not replaced. */
const depth = { least: 64, most: 4_096 }

/**
 * @param options.path - File that keeps it over restarts; in memory only when left out. It only saves time: one that
 * cannot be read or written is done without.
 * @param options.made - Told of every file and folder that was made.
 * @param options.progress - Told of a long reading now and then: the block reached, and the last.
 */
export function openLogCache(options: {
  chain: Chain
  query: LogQuery
  path?: string | undefined
  made?: (path: string) => Promise<void>
  progress?: (block: number, of: number) => void
}): LogCache {
  const { chain, query, path, progress } = options
  const { rpc, deployment } = chain
  const name = JSON.stringify([deployment.chainId, query])
  let snapshots: readonly Snapshot[] | undefined
  let savedAt = Number.NEGATIVE_INFINITY

  const stands = async ({ number, hash }: Snapshot['block']): Promise<boolean> =>
    (await rpc.getBlock(number))?.hash === hash

  async function remembered(): Promise<readonly Snapshot[]> {
    snapshots ??= path === undefined ? [] : await readSnapshots(path, name)
    return snapshots
  }

  async function standing(): Promise<Snapshot | undefined> {
    let left = await remembered()
    while (left[0] && !(await stands(left[0].block))) left = left.slice(1)
    snapshots = left
    return left[0]
  }

  const readFrom = (from: number, to: number) =>
    inPieces<Log>(from, to, (fromBlock, toBlock) =>
      rpc.getLogs({ address: query.contract, topics: query.topics, fromBlock, toBlock }),
    )

  async function keep(taken: Snapshot, isDue: boolean): Promise<void> {
    const [newest, earlier] = snapshots ?? []
    const isOld = earlier === undefined || taken.block.number - earlier.block.number > depth.most
    const isDeep = newest !== undefined && taken.block.number - newest.block.number >= depth.least
    const next = isOld && isDeep ? newest : earlier
    snapshots = next ? [taken, next] : [taken]
    if (path === undefined || !isDue) return
    savedAt = performance.now()
    await writeSnapshots(path, name, snapshots, options.made).catch(() => undefined) // It costs time, nothing else.
  }

  return {
    async upTo(target) {
      const known = (await remembered())[0]
      // What follows is asked for while it is looked whether that still stands.
      const follows = known && begun(readFrom(known.block.number + 1, target.number))
      const base = await standing()
      const logs = new Map(base?.logs)
      const from = base === undefined ? deployment.fromBlock : base.block.number + 1
      let steppedAt = performance.now()
      let stepped = from
      const pieces = follows && base === known ? follows : readFrom(from, target.number)
      for await (const { to, logs: found } of pieces) {
        for (const log of found) logs.set(log.topics[1] ?? '', kept(log))
        const isSoon = performance.now() - steppedAt < stepMs && to - stepped < stepBlocks
        if (to === target.number || isSoon) continue
        const block = await rpc.getBlock(to)
        if (block?.hash) await keep({ block: { number: to, hash: block.hash }, logs: new Map(logs) }, true)
        progress?.(to, target.number)
        steppedAt = performance.now()
        stepped = to
      }
      // Blocks that were replaced meanwhile may be half in it: then the next reading begins where this one did.
      if (target.number >= from && (await stands(target)))
        await keep({ block: target, logs }, performance.now() - savedAt >= saveEveryMs)
      return logs
    },
  }
}

/** The same, with the first asked for already. */
function begun<Item>(items: AsyncGenerator<Item>): AsyncGenerator<Item> {
  const first = items.next()
  first.catch(() => undefined) // It may not be needed.
  return (async function* () {
    const { done, value } = await first
    if (done) return
    yield value
    yield* items
  })()
}

export const kept = ({ topics, data, blockNumber, blockHash, transactionHash, index }: Log): KeptLog => ({
  topics: [...topics],
  ...{ data, blockNumber, blockHash, transactionHash, index },
})

/** What is written: a name that tells chain and query, and the snapshots, the newest first. */
interface Written {
  readonly name: string
  readonly snapshots: readonly {
    readonly block: Snapshot['block']
    readonly logs: Readonly<Record<string, KeptLog>>
  }[]
}

async function readSnapshots(path: string, name: string): Promise<Snapshot[]> {
  try {
    const written = JSON.parse(await readFile(path, 'utf8')) as Written
    if (written.name !== name) return []
    return written.snapshots.map(({ block, logs }) => ({ block, logs: new Map(Object.entries(logs)) }))
  } catch {
    return [] // None yet, or damaged: the chain has it all.
  }
}

async function writeSnapshots(
  path: string,
  name: string,
  snapshots: readonly Snapshot[],
  made: (path: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const written: Written = {
    name,
    snapshots: snapshots.map(({ block: { number, hash }, logs }) => ({
      ...{ block: { number, hash }, logs: Object.fromEntries(logs) },
    })),
  }
  const folder = dirname(path)
  if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) await made(folder)
  await writeFileDurably(path, JSON.stringify(written))
  await made(path)
}
