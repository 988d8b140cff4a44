import { Chance } from './chance.js'
import { Trace } from './trace.js'

/** Seconds since 1970 at which every simulated world begins. */
export const epochSeconds = 1_800_000_000

/** A program as its machine sees it: what belongs to it dies with it. */
export class Process {
  isAlive = true
  /** Milliseconds by which its machine's clock is wrong. */
  clockOffsetMs = 0
  /** What its random numbers come from. */
  readonly chance: Chance
  /** Called once when it is killed. */
  readonly atDeath = new Set<() => void>()

  constructor(
    /** Such as `hub`; names the machine too. */
    readonly name: string,
    seed: string,
  ) {
    this.chance = new Chance(`${seed} ${name}`)
  }
}

interface Event {
  readonly at: number
  readonly order: number
  readonly process: Process
  readonly run: () => void
  cancelled: boolean
}

/** Something that was planned and may be called off. */
export interface Planned {
  cancel(): void
}

/**
 * All that happens, one thing after the other: the only clock and the only loop. Whatever a program does until it waits
 * again is one event; then everything it set off settles, and the next event has its turn.
 */
export class Timeline {
  /** Milliseconds since the world began. */
  nowMs = 0
  /** On whose behalf code runs at the moment. */
  process: Process
  readonly world: Process
  readonly trace: Trace
  readonly chance: Chance
  /** Events that were run. */
  count = 0
  #order = 0
  readonly #heap: Event[] = []
  #held = 0

  constructor(readonly seed: string) {
    this.world = new Process('world', seed)
    this.process = this.world
    this.chance = new Chance(`${seed} timeline`)
    this.trace = new Trace(this)
  }

  /** Plans something for a process, which does not happen when that has been killed. */
  plan(delayMs: number, run: () => void, process = this.process): Planned {
    const at = this.nowMs + Math.max(0, Number.isFinite(delayMs) ? delayMs : 0)
    const event: Event = { at, order: this.#order++, process, run, cancelled: false }
    this.#push(event)
    return {
      cancel() {
        event.cancelled = true
      },
    }
  }

  /** Resolves after so long, unless the process is killed. */
  wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.plan(delayMs, resolve))
  }

  /** Lets real work of Node, such as loading a module, end before time goes on. */
  async hold<Value>(work: Promise<Value>): Promise<Value> {
    this.#held++
    try {
      return await work
    } finally {
      this.#held--
    }
  }

  /** Does something on behalf of a process. */
  as<Value>(process: Process, act: () => Value): Value {
    const before = this.process
    this.process = process
    try {
      return act()
    } finally {
      this.process = before
    }
  }

  /** Runs what is planned up to a moment, or until something is so. */
  async runUntil(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    await this.#settle()
    while (!isOver()) {
      const event = this.#heap[0]
      if (!event || event.at > untilMs) break
      this.#pop()
      if (event.cancelled || !event.process.isAlive) continue
      this.nowMs = Math.max(this.nowMs, event.at)
      this.count++
      this.process = event.process
      event.run()
      await this.#settle()
    }
    this.process = this.world
    if (!isOver()) this.nowMs = Math.max(this.nowMs, untilMs)
  }

  /** Microtasks end before an immediate of Node's own loop runs. */
  async #settle(): Promise<void> {
    do await new Promise<void>((resolve) => realImmediate(resolve))
    while (this.#held > 0)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(heap[parent] as Event, event)) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Event
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++
      if (isBefore(last, heap[child] as Event)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
  }
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

const realImmediate = globalThis.setImmediate

/** Ends a process at once, as a power cut does: nothing it planned happens, and nobody is told. */
export function kill(process: Process): void {
  process.isAlive = false
  for (const act of process.atDeath) act()
  process.atDeath.clear()
}

let current: Timeline | undefined

/** The world that is being simulated. */
export function timeline(): Timeline {
  if (!current) throw new Error('No world is being simulated.')
  return current
}

export function beginTimeline(seed: string): Timeline {
  current = new Timeline(seed)
  return current
}
