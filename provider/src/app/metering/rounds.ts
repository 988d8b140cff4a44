import { type Clock, SerialQueue } from '@pontage/shared'

/** Rounds that follow payments are so far apart, at least and at most: those that pay meanwhile go together. */
const closestApartMs = 10
const furthestApartMs = 50
/** In between they take no more than this share of the time. */
const roundsShare = 0.1
/** How often the kernel is read; less often where that takes more than this share of the time. */
const readEveryMs = 250
const readShare = 0.25
/** A round that is wanted soon waits for the next regular one where rounds take longer than this. */
const cheapMs = 5

/**
 * When the sessions are looked at: all in one round, each {@link readEveryMs}. A payment only raises its own limit,
 * which costs a fraction of a reading. Whatever else changes sessions takes turns.
 */
export class Rounds {
  readonly #turns = new SerialQueue()
  #timer: NodeJS.Timeout | undefined
  #dueAt = 0
  #lastAt: number
  #readAt: number
  #tookMs = 0
  #apartMs = furthestApartMs
  /** The next round has to read, however short ago it did. */
  #mustRead = false
  #stopped = false

  constructor(
    private readonly clock: Clock,
    private readonly work: {
      /** One round over all; told how long ago the one before began. */
      meter: (elapsedMs: number) => Promise<void>
      /** Writes what payments have changed. */
      raise: () => Promise<void>
    },
    private readonly events: { failed: (error: unknown) => void; took: (ms: number) => void },
  ) {
    this.#lastAt = clock.elapsedMs()
    this.#readAt = this.#lastAt
    this.#within(readEveryMs)
  }

  /** Raises limits as soon as the last round allows. */
  raise(): void {
    this.#within(this.#restMs())
  }

  /** Reads and writes as soon as the last round allows: where a session is held back, or about to be. */
  soon(): void {
    this.#mustRead = true
    this.#within(this.#restMs())
  }

  /** Does `work` while no round runs. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run(work)
  }

  /** No more rounds; resolves when what was under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#turns.idle()
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
        () => this.#within(Math.max(0, this.#readDueAt() - this.clock.elapsedMs())),
        (error: unknown) => this.events.failed(error),
      )
    }, ms)
  }

  async #round(): Promise<void> {
    const began = this.clock.elapsedMs()
    this.#lastAt = began
    const isDue = began >= this.#readDueAt() || (this.#mustRead && this.#tookMs <= cheapMs)
    await (isDue ? this.#read(began) : this.work.raise())
    const tookMs = this.clock.elapsedMs() - began
    this.#apartMs = Math.min(furthestApartMs, Math.max(closestApartMs, tookMs / roundsShare))
    if (!isDue) return
    this.#tookMs = tookMs
    this.events.took(tookMs)
  }

  #read(began: number): Promise<void> {
    const elapsedMs = began - this.#readAt
    this.#readAt = began
    this.#mustRead = false
    return this.work.meter(elapsedMs)
  }

  #restMs(): number {
    return Math.max(0, this.#lastAt + this.#apartMs - this.clock.elapsedMs())
  }

  #readDueAt(): number {
    return this.#readAt + Math.max(readEveryMs, this.#tookMs / readShare)
  }
}
