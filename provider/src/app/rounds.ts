import type { Clock } from '@pontage/shared'

/** Rounds that follow a payment are this far apart at most: those that pay meanwhile go together. */
const furthestApartMs = 50
/** And at least this far; in between, rounds take no more than this share of the time. */
const closestApartMs = 10
const roundsShare = 0.1
/** How often the kernel is read when nobody pays. */
const readEveryMs = 250

/**
 * When the sessions are looked at: all in one round, each {@link readEveryMs}, and soon after a payment. Whatever
 * else changes sessions takes turns with the rounds.
 */
export class Rounds {
  #turn: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0
  #lastAt: number
  #apartMs = furthestApartMs
  #stopped = false

  constructor(
    private readonly clock: Clock,
    /** One round; told how long ago the one before began. */
    private readonly work: (elapsedMs: number) => Promise<void>,
    private readonly told: { failed: (error: unknown) => void; took: (ms: number) => void },
  ) {
    this.#lastAt = clock.elapsedMs()
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
        () => this.#within(readEveryMs),
        (error: unknown) => this.told.failed(error),
      )
    }, ms)
  }

  async #round(): Promise<void> {
    const began = this.clock.elapsedMs()
    const elapsedMs = began - this.#lastAt
    this.#lastAt = began
    await this.work(elapsedMs)
    const took = this.clock.elapsedMs() - began
    this.#apartMs = Math.min(furthestApartMs, Math.max(closestApartMs, took / roundsShare))
    this.told.took(took)
  }
}
