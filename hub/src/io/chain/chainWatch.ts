import type { Address, Clock } from '@pontage/shared'
import { type Block, type Chain, type Log, staleSeconds } from '@pontage/shared/node'
import type { ChainUpdate, Ledger } from '../ledger.js'
import { pause } from '../pause.js'
import { createChanges } from './changes.js'

/** Follows the chain, a fixed number of blocks behind its head, and writes what changed into the ledger. */
export interface ChainWatch {
  /** Follows up to the confirmed block of this moment. Several callers share one look. */
  catchUp(): Promise<void>
  /** Follows until the signal, every `pollMs`. */
  run(pollMs: number, signal: AbortSignal): Promise<void>
  /** Has a listener called after the ledger took in a block. */
  subscribe(listener: (update: ChainUpdate) => void): void
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
  const changes = createChanges(options)
  const listeners: ((update: ChainUpdate) => void)[] = []
  let seenAtMs = clock.elapsedMs()
  let head: Block | undefined

  async function look(): Promise<void> {
    const [newest, target] = await Promise.all([chain.head(), chain.confirmed()])
    head = newest
    const cursor = await ledger.cursor()
    if (cursor?.number === target.number && cursor.hash === target.hash) {
      seenAtMs = clock.elapsedMs()
      return
    }
    // A node behind the one asked before: what the ledger knows is newer, and stays until this one catches up.
    if (cursor && target.number < cursor.number) return
    const intact = !cursor || (await stillThere(cursor))
    if (!intact)
      log.warn('chain reorganised', { below: cursor?.number, readAgainFrom: chain.deployment.fromBlock })
    const from = cursor && intact ? cursor.number + 1 : chain.deployment.fromBlock
    const update = await changes.read(from, target, !intact)
    if (!(await stillThere(target))) return // It was replaced while being read; the next look takes the new one.
    await ledger.applyChain(update)
    seenAtMs = clock.elapsedMs()
    for (const listener of listeners) listener(update)
  }

  async function stillThere(block: { number: number; hash: string }): Promise<boolean> {
    const now = await chain.rpc.getBlock(block.number)
    return now === null ? false : now.hash === block.hash
  }

  const catchUp = shared(look)

  return {
    catchUp,
    subscribe: (listener) => void listeners.push(listener),
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

/** Milliseconds between warnings of one outage. */
const warnEveryMs = 60_000
