import { SerialQueue } from '@pontage/shared'
import { type Change, watchKernel } from './watchKernel.js'

/** What a connection has in force on this machine; parts are told apart by name. */
export type PartName =
  | 'firewall'
  | 'guests'
  | 'forwarding'
  | 'bypass'
  | 'routes'
  | 'devices'
  | 'way'
  | 'wall'
  | 'resolver'

/** One thing that a connection has in force on this machine. */
export interface Part {
  /** As it stands in the kernel or on disk now, as a text that is equal where it is as it should be. */
  look(): Promise<string>
  /**
   * What `look` says where it is in force, if that is known beforehand. Else it is what `look` says just after `apply`, which must
   * not depend on what others may change in between.
   */
  readonly right?: string
  /** What `look` says where not all of it stands, which somebody may have brought about just after `apply`: never right. */
  readonly gone?: string
  /** Puts it in force, whether nothing of it stands or something else. */
  apply(): Promise<void>
  /** Looked at this often, besides whenever the kernel tells of a change. Default 10,000. */
  readonly lookEveryMs?: number
}

/** Somebody else took something away; `problem`: why it could not be put back. */
export interface Interference {
  readonly part: PartName
  readonly problem?: string
}

/** Keeps in force what a connection needs, whoever else changes it. */
export interface Upkeep {
  /** Puts a part in force, in place of the one of the same name, and keeps it so from now on. @throws What `apply` throws. */
  put(name: PartName, part: Part): Promise<void>
  /** Keeps it no longer; it stays as it is. */
  drop(...names: readonly PartName[]): Promise<void>
  /** Calls once more whenever interfaces, addresses or routes changed, or the clock was set. @returns What ends that. */
  onChange(listener: () => void): () => void
  close(): Promise<void>
}

interface Kept {
  readonly part: Part
  /** What `look` said after it was put in force; undefined where it was gone again, or could not be looked at. */
  expected: string | undefined
  lookedAt: number
  isBroken: boolean
}

const putTries = 2
const roundMs = 1_000
/** All but the firewall is looked at when nothing was put in force for so long, and never later than after the second. */
const calmMs = 150
const longestCalmMs = 1_000
const lookEveryMs = 10_000
/** Wall clock and elapsed time drift apart this far only when the one is set, or the machine slept. */
const clockJumpMs = 2_000

async function expectedOf({ right, gone, look }: Part): Promise<string | undefined> {
  // What is in force already does not fail for want of a look: the next round has one.
  const expected = right ?? (await look().catch(() => undefined))
  return expected === gone ? undefined : expected
}

/** @param options.tell - Told of what somebody else changed, each time. */
export function keepInForce(options: {
  netns?: string | undefined
  tell: (interference: Interference) => void
}): Upkeep {
  const { netns, tell } = options
  const kept = new Map<PartName, Kept>()
  const listeners = new Set<() => void>()
  const queue = new SerialQueue()

  async function mend(name: PartName, one: Kept): Promise<void> {
    one.lookedAt = performance.now()
    const seen = await one.part.look().catch(() => undefined)
    if (seen === undefined) return // What cannot be looked at now says nothing.
    if (seen === one.expected) {
      one.isBroken = false
      return
    }
    try {
      await one.part.apply()
      one.expected = await expectedOf(one.part)
      one.isBroken = false
      // Guests and devices come and go, which is nobody's interference; and of a way there is only to say that it is wrong.
      if (!['guests', 'bypass', 'devices', 'way'].includes(name)) tell({ part: name })
    } catch (error) {
      if (!one.isBroken) tell({ part: name, problem: (error as Error).message })
      one.isBroken = true
    }
  }

  const checkOf = async (isDue: (one: Kept) => boolean) => {
    for (const [name, one] of kept) if (isDue(one)) await mend(name, one)
  }
  /** What is asked for again before it has begun is done once: it sees what came until then, too. */
  const onceInTurn = (check: () => Promise<void>) => {
    let isWaiting = false
    return () => {
      if (isWaiting) return
      isWaiting = true
      void queue.run(() => {
        isWaiting = false
        return check()
      })
    }
  }
  const checkAll = onceInTurn(() => checkOf(() => true))
  const checkFirewall = onceInTurn(async () => {
    const firewall = kept.get('firewall')
    if (firewall) await mend('firewall', firewall)
  })

  let lastPutAt = Number.NEGATIVE_INFINITY
  let waiting: NodeJS.Timeout | undefined
  /** While parts are put in force, most of what the kernel tells of is our own doing. */
  const checkWhenCalm = (sinceMs = performance.now()) => {
    const waitMs = Math.min(lastPutAt + calmMs, sinceMs + longestCalmMs) - performance.now()
    if (waitMs <= 0) return checkAll()
    waiting ??= setTimeout(() => {
      waiting = undefined
      checkWhenCalm(sinceMs)
    }, waitMs)
    waiting.unref()
  }

  const changed = (change: Change) => {
    checkFirewall()
    checkWhenCalm()
    if (change === 'network') for (const listener of listeners) listener()
  }
  // A namespace of programs may be made only now.
  let monitor: { close(): void } | undefined
  let drift = Date.now() - performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    void queue.run(() =>
      checkOf(
        ({ part, expected, lookedAt, isBroken }) =>
          isBroken || expected === undefined || now - lookedAt >= (part.lookEveryMs ?? lookEveryMs),
      ),
    )
    const jumped = Math.abs(Date.now() - now - drift) > clockJumpMs
    drift = Date.now() - now
    if (jumped) changed('network')
  }, roundMs)
  timer.unref()

  return {
    put: (name, part) =>
      queue.run(async () => {
        kept.delete(name)
        monitor ??= watchKernel(netns === undefined ? {} : { netns }, changed)
        let expected: string | undefined
        // What was taken away again at once would be missed by what is put in force next.
        for (let tries = 0; expected === undefined && tries < putTries; tries++) {
          await part.apply()
          expected = await expectedOf(part)
        }
        lastPutAt = performance.now()
        kept.set(name, { part, expected, lookedAt: performance.now(), isBroken: false })
      }),
    drop: (...names) =>
      queue.run(() => {
        for (const name of names) kept.delete(name)
      }),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      clearInterval(timer)
      clearTimeout(waiting)
      monitor?.close()
      await queue.idle()
    },
  }
}
