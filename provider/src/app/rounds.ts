import type { Clock } from '@pontage/shared'

/** Rounds that follow a payment are this far apart at most: those that pay meanwhile go together. */
const furthestApartMs = 50
/** And at least this far; in between, rounds take no more than this share of the time. */
const closestApartMs = 10
const roundsShare = 0.1
/** How often the kernel is read when nobody pays; seldomer where that takes more than this share of the time. */
const readEveryMs = 250
const readShare = 0.25
/** Where a round takes longer than this, because there are many sessions, a payment only raises its own limit. */
const cheapMs = 5

/**
 * When the sessions are looked at: all in one round, each {@link readEveryMs}, and soon after a payment; where there
 * are many, a payment is followed by a change of its own limit alone. Whatever else changes sessions takes turns.
 */
export class Rounds {
  #turn: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0
  #lastAt: number
  #readAt: number
  #tookMs = 0
  #apartMs = furthestApartMs
  #stopped = false

  constructor(
    private readonly clock: Clock,
    private readonly work: {
      /** One round over all; told how long ago the one before began. */
      meter: (elapsedMs: number) => Promise<void>
      /** Writes what payments have changed. */
      raise: () => Promise<void>
    },
    private readonly told: { failed: (error: unknown) => void; took: (ms: number) => void },
  ) {
    this.#lastAt = clock.elapsedMs()
    this.#readAt = this.#lastAt
    this.#within(readEveryMs)
  }

  /** Has the next round begin as soon as the last one allows. */
  soon(): void {
    this.#within(Math.max(0, this.#lastAt + this.#apartMs - this.clock.elapsedMs()))
  }

  /** Does `work` while no round runs. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** No more rounds; resolves when what was under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#turn
  }

  #within(ms: number): void {
    if (this.#stopped) return
    const at = this.clock.elapsedMs() + ms
    if (this.#timer !== undefined && this.#dueAt <= at) return
    clearTimeout(this.#timer)
    this.#dueAt = at
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.inTurn(() => this.#round()).then(
        () => this.#within(Math.max(0, this.#readAt + this.#readEveryMs() - this.clock.elapsedMs())),
        (error: unknown) => this.told.failed(error),
      )
    }, ms)
  }

  async #round(): Promise<void> {
    const began = this.clock.elapsedMs()
    this.#lastAt = began
    if (this.#tookMs > cheapMs && began < this.#readAt + this.#readEveryMs()) return this.work.raise()
    const elapsedMs = began - this.#readAt
    this.#readAt = began
    await this.work.meter(elapsedMs)
    const took = this.clock.elapsedMs() - began
    this.#tookMs = took
    this.#apartMs = Math.min(furthestApartMs, Math.max(closestApartMs, took / roundsShare))
    this.told.took(took)
  }

  #readEveryMs(): number {
    return Math.max(readEveryMs, this.#tookMs / readShare)
  }
}
