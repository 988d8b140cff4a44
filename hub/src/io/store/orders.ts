import type { Cache } from './cache.js'
import { Contended, type Engine } from './engine.js'
import type { Order } from './order.js'
import { beginGroup } from './reading.js'
import { Setbacks, WentBack } from './setbacks.js'

/** Milliseconds in which orders gather: what they cost together is little more than what one costs alone. */
const gatherMs = 2
/** Rows in one group: what is more waits for the next. */
const rowsInGroup = 4_000
const maxAttempts = 20

interface Waiting {
  readonly order: Order<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * Takes orders into one transaction as long as the one before is being written: the more arrive, the more share the
 * way to the disk. Each order of a group is decided on the rows as the one before left them.
 */
export function takeOrders(
  engine: Engine,
  cache: Cache,
  onSetback: () => void,
): {
  submit<Result>(order: Order<Result>): Promise<Result>
  /** Milliseconds since something was last written; endless where the last try failed. */
  silentMs(): number
  idle(): Promise<void>
} {
  const setbacks = new Setbacks(engine)
  const queue: Waiting[] = []
  let running: Promise<void> | undefined
  let wroteAt = Number.NEGATIVE_INFINITY

  async function work(): Promise<void> {
    while (queue.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, gatherMs))
      const group = nextGroup(queue)
      try {
        if (await settle(engine, cache, setbacks, group)) wroteAt = performance.now()
      } catch (error) {
        wroteAt = Number.NEGATIVE_INFINITY
        // What waits was judged on what is not there any more.
        const lost = error instanceof WentBack ? [...group, ...queue.splice(0)] : group
        if (error instanceof WentBack) onSetback()
        for (const { reject } of lost) reject(error)
      }
    }
    running = undefined
  }

  return {
    submit: <Result>(order: Order<Result>) =>
      new Promise<Result>((resolve, reject) => {
        queue.push({ order, resolve: resolve as (result: unknown) => void, reject })
        running ??= Promise.resolve().then(work)
      }),
    silentMs: () => performance.now() - wroteAt,
    idle: async () => running,
  }
}

/** Takes from the queue what goes together. Whose name is taken waits for the next group, and holds up nobody else. */
function nextGroup(queue: Waiting[]): Waiting[] {
  const names = new Set<string>()
  const group: Waiting[] = []
  const later: Waiting[] = []
  let rows = 0
  let looked = 0
  for (const waiting of queue) {
    const { alone, channels } = waiting.order
    const size = 1 + (channels?.length ?? 0)
    if (group.length > 0 && (alone === '*' || names.has('*') || rows + size > rowsInGroup)) break
    looked++
    if (alone !== undefined && names.has(alone)) {
      later.push(waiting)
      continue
    }
    if (alone !== undefined) names.add(alone)
    rows += size
    group.push(waiting)
  }
  queue.splice(0, looked, ...later)
  return group
}

async function settle(
  engine: Engine,
  cache: Cache,
  setbacks: Setbacks,
  group: readonly Waiting[],
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answers = await decideAndWrite(engine, cache, setbacks, group)
      for (const answer of answers.answers) answer()
      return answers.written
    } catch (error) {
      if (!(error instanceof Contended) || attempt === maxAttempts) throw error
    }
  }
}

/** @returns What is to be answered, now that it is on disk. */
async function decideAndWrite(
  engine: Engine,
  cache: Cache,
  setbacks: Setbacks,
  group: readonly Waiting[],
): Promise<{ answers: (() => void)[]; written: boolean }> {
  try {
    const { unit, read, uncovered, wentBack } = await beginGroup(
      engine,
      cache,
      group.map(({ order }) => order),
    )
    const { writes, written } = await setbacks.check(wentBack)
    const answers = group.map(({ order, resolve, reject }, index) => {
      try {
        const due = (order.uncovered && uncovered.get(order.uncovered.provider)) ?? []
        const result = unit.attempt(() => order.apply(unit, read[index] ?? [], due))
        return () => resolve(result)
      } catch (error) {
        if (error instanceof Contended) throw error
        return () => reject(error)
      }
    })
    const changes = [...unit.changes(), ...writes]
    if (changes.length === 0) await engine.rollback()
    else await engine.commit(changes)
    written()
    unit.keepIn(cache)
    return { answers, written: changes.length > 0 }
  } catch (error) {
    if (error instanceof WentBack) cache.setbackNoted()
    await engine.rollback().catch(() => undefined)
    throw error
  }
}
