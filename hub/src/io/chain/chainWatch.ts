import type { Address, Clock } from '@pontage/shared'
import { type Block, type Chain, type Log, staleSeconds } from '@pontage/shared/node'
import type { ChainUpdate, Cursor, Ledger } from '../ledger.js'
import { pause } from '../pause.js'
import { type Changes, readChanges } from './changes.js'

/** Follows the chain, a fixed number of blocks behind its head, and writes what changed into the ledger. */
export interface ChainWatch {
  /** Follows up to the confirmed block of this moment. Several callers share one look. */
  catchUp(): Promise<void>
  /** Follows until the signal, every `pollMs`. */
  run(pollMs: number, signal: AbortSignal): Promise<void>
  /** Has a listener called after the ledger took in a block. */
  subscribe(listener: (update: ChainUpdate) => void): void
  /** The newest block that was seen; undefined before the first. */
  head(): Block | undefined
  /** Seconds since the chain was last read successfully, or since its newest block was made where that is too long ago. */
  unseenSeconds(): number
}

export function createChainWatch(options: {
  chain: Chain
  ledger: Ledger
  hub: Address
  clock: Clock
  log: Log
}): ChainWatch {
  const { chain, ledger, clock, log } = options
  const listeners: ((update: ChainUpdate) => void)[] = []
  let seenAtMs = clock.elapsedMs()
  let head: Block | undefined

  async function look(): Promise<void> {
    const [newest, confirmed] = await Promise.all([chain.head(), chain.confirmed()])
    head = newest
    const cursor = await ledger.cursor()
    if (cursor?.number === confirmed.number && cursor.hash === confirmed.hash) {
      seenAtMs = clock.elapsedMs()
      return
    }
    // A node behind the one asked before: what the ledger knows is newer, and stays until this one catches up.
    if (cursor && confirmed.number < cursor.number) return
    const ancestor = cursor && (await newestOnChain(cursor))
    const isIntact = ancestor === cursor
    const from = (ancestor?.number ?? chain.deployment.fromBlock - 1) + 1
    if (!isIntact) log.warn('chain reorganised', { below: cursor?.number, readAgainFrom: from })
    const changes = readChanges(options)
    const target = await approach(changes, from, confirmed)
    const update = await changes.all(target, !isIntact)
    if (!(await stillThere(target))) return // It was replaced while being read; the next look takes the new one.
    await ledger.applyChain(update)
    seenAtMs = clock.elapsedMs()
    for (const listener of listeners) listener(update)
  }

  /** The cursor, or where it is no longer on chain, the newest block that was it before and still is. */
  async function newestOnChain(cursor: Cursor): Promise<Cursor | undefined> {
    if (await stillThere(cursor)) return cursor
    for (const landmark of await ledger.landmarks())
      if (landmark.number < cursor.number && (await stillThere(landmark))) return landmark
    return undefined
  }

  /**
   * Reads up to the confirmed block. On a long way, the ledger takes in what was found so far again and again: whatever
   * ends the reading, it goes on there. The values are those of a recent block, since nodes forget old ones.
   *
   * @returns The block up to which everything was read.
   */
  async function approach(changes: Changes, from: number, to: Block): Promise<Block> {
    let savedAtMs = clock.elapsedMs()
    let savedBlock = from
    const save = async (last: number) => {
      if (clock.elapsedMs() - savedAtMs < saveEveryMs && last - savedBlock < saveEveryBlocks) return
      const block = await chain.rpc.getBlock(last)
      if (!block?.hash) return
      const cursor = { number: last, hash: block.hash, at: block.timestamp }
      await ledger.applyChain({ ...(await changes.newest(await chain.confirmed())), cursor })
      savedAtMs = clock.elapsedMs()
      savedBlock = last
      const done = Math.floor((100 * (last - from + 1)) / (to.number - from + 1))
      log.info('reading the chain', { block: last, of: to.number, done: `${done} %` })
    }
    const far = to.number - farBlocks
    if (far < from) {
      await changes.through(from, to.number)
      return to
    }
    await changes.through(from, far, save)
    return approach(changes, far + 1, await chain.confirmed())
  }

  async function stillThere(block: { number: number; hash: string }): Promise<boolean> {
    const now = await chain.rpc.getBlock(block.number)
    return now === null ? false : now.hash === block.hash
  }

  const catchUp = shared(look)

  return {
    catchUp,
    subscribe: (listener) => void listeners.push(listener),
    head: () => head,
    unseenSeconds: () =>
      Math.max(
        Math.floor((clock.elapsedMs() - seenAtMs) / 1_000),
        head === undefined ? 0 : staleSeconds(chain, head, clock.now()),
      ),
    async run(pollMs, signal) {
      let warnedAtMs: number | undefined
      for (; !signal.aborted; await pause(pollMs, signal))
        try {
          await catchUp()
          if (warnedAtMs !== undefined) log.info('chain readable again', {})
          warnedAtMs = undefined
        } catch (error) {
          const now = clock.elapsedMs()
          if (warnedAtMs !== undefined && now - warnedAtMs < warnEveryMs) continue
          warnedAtMs = now
          log.warn('chain not readable', { reason: (error as Error).message.slice(0, 200) })
        }
    },
  }
}

/**
 * One look for all who ask at the same time. A look under way may have asked for the newest block before what the
 * caller waits for was in it: whoever comes then waits for the next.
 */
function shared(look: () => Promise<void>): () => Promise<void> {
  let looking: Promise<void> | undefined
  let next: Promise<void> | undefined
  const begin = (): Promise<void> => {
    looking = look().finally(() => {
      looking = undefined
    })
    return looking
  }
  return () => {
    if (!looking) return begin()
    next ??= looking
      .catch(() => undefined)
      .then(() => {
        next = undefined
        return begin()
      })
    return next
  }
}

/** Blocks behind the head that are read in one go, and the reading after which the ledger takes in what was found. */
const farBlocks = 1_000
const saveEveryMs = 2_000
const saveEveryBlocks = 20_000
/** Milliseconds between warnings of one outage. */
const warnEveryMs = 60_000
