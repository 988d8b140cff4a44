import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Address } from '@pontage/shared'
import { type Block, type Chain, inChunks, writeFileDurably } from '@pontage/shared/node'
import type { Filter, Log } from 'ethers'
import { giveToOwner } from '../home/ownership.js'

/** An event as the cache keeps it. */
export interface KeptLog {
  readonly topics: readonly string[]
  readonly data: string
}

/** Which events: of one contract, the newest of each value of the first indexed field. */
export interface LogQuery {
  /** Names the file. */
  readonly name: string
  readonly contract: Address
  readonly topics: NonNullable<Filter['topics']>
}

interface Cache {
  readonly chainId: number
  readonly contract: Address
  readonly topics: LogQuery['topics']
  /** Everything up to this block is in; the hash says whether that is still the chain's block. */
  readonly block: { readonly number: number; readonly hash: string }
  readonly logs: Readonly<Record<string, KeptLog>>
}

/** How often a long reading is written down, so that one that is interrupted goes on where it was. */
const saveEveryMs = 2_000

/**
 * The newest event of each kind up to the newest block. What is confirmed is read once and kept in the home; where
 * the chain no longer has the block that the cache ends with, everything is read again.
 *
 * @param home - Where the cache lies. It only saves time: one that cannot be read or written is done without.
 */
export async function newestLogs(home: string, chain: Chain, query: LogQuery): Promise<KeptLog[]> {
  const { deployment, rpc } = chain
  const cached = await intactCache(home, chain, query)
  const found = new Map(Object.entries(cached?.logs ?? {}))
  const from = cached === undefined ? deployment.fromBlock : cached.block.number + 1
  const head = await chain.head()
  const confirmed = await chain.confirmed()
  let savedAt = Date.now()

  const read = (first: number, last: number, begun: (block: number) => Promise<void>) =>
    inChunks(first, last, async (fromBlock, toBlock) => {
      await begun(fromBlock)
      return rpc.getLogs({ address: query.contract, topics: query.topics, fromBlock, toBlock })
    })
  const keep = ({ topics, data }: Log) => void found.set(topics[1] ?? '', { topics: [...topics], data })
  const save = (block: Cache['block']) => saveCache(home, chain, query, block, found)

  const saveNowAndThen = async (next: number) => {
    if (next === from || Date.now() - savedAt < saveEveryMs) return
    const block = await rpc.getBlock(next - 1)
    if (block?.hash) await save({ number: block.number, hash: block.hash })
    savedAt = Date.now()
  }
  for await (const log of read(from, confirmed.number, saveNowAndThen)) keep(log)
  // Blocks that were replaced meanwhile may be half in it: then the next reading begins where this one did.
  if (confirmed.number >= from && (await stands(chain, confirmed))) await save(confirmed)
  for await (const log of read(Math.max(from, confirmed.number + 1), head.number, async () => {})) keep(log)
  return [...found.values()]
}

const stands = async ({ rpc }: Chain, { number, hash }: Pick<Block, 'number' | 'hash'>): Promise<boolean> =>
  (await rpc.getBlock(number))?.hash === hash

const pathOf = (home: string, name: string): string => join(home, 'cache', `${name}.json`)

/** The cache of this very query, if the chain still has its last block. */
async function intactCache(home: string, chain: Chain, query: LogQuery): Promise<Cache | undefined> {
  try {
    const cache = JSON.parse(await readFile(pathOf(home, query.name), 'utf8')) as Cache
    const isSame =
      cache.chainId === chain.deployment.chainId &&
      cache.contract === query.contract &&
      JSON.stringify(cache.topics) === JSON.stringify(query.topics)
    return isSame && (await stands(chain, cache.block)) ? cache : undefined
  } catch {
    return undefined // None yet, or damaged: the chain has it all.
  }
}

async function saveCache(
  home: string,
  { deployment }: Chain,
  { name, contract, topics }: LogQuery,
  { number, hash }: Cache['block'],
  found: ReadonlyMap<string, KeptLog>,
): Promise<void> {
  const cache: Cache = {
    ...{ chainId: deployment.chainId, contract, topics },
    block: { number, hash },
    logs: Object.fromEntries(found),
  }
  try {
    const folder = join(home, 'cache')
    if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) await giveToOwner(home, folder)
    await writeFileDurably(pathOf(home, name), JSON.stringify(cache))
    await giveToOwner(home, pathOf(home, name))
  } catch {
    // A full or read-only disk costs time, nothing else.
  }
}
