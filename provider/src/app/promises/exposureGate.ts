import type { Address, Hex, Wei } from '@pontage/shared'
import { exposureOf, judgeExposure } from '../../core/exposure.js'
import type { PromiseStore } from '../../io/store/promiseStore.js'

/** While the exposure asks for draws, milliseconds between attempts. */
const drawEveryMs = 5_000

/** What is promised under one hub, in memory, so that a promise costs no question to the store. */
interface Book {
  sum: bigint
  readonly promised: Map<Hex, bigint>
}

/**
 * Lets promises be worth traffic while the exposure to their hub is within its limit; beyond it their traffic waits
 * until enough is drawn.
 */
export class ExposureGate {
  readonly #books = new Map<Address, Book>()
  readonly #held = new Map<Address, Map<Hex, Wei>>()
  readonly #triedAt = new Map<Address, number>()

  constructor(
    private readonly store: PromiseStore,
    private readonly limitOf: (hub: Address) => Wei,
    private readonly elapsedMs: () => number,
    private readonly events: {
      /** A promise is worth traffic. */
      pass: (channelId: Hex, total: Wei) => void
      /** Some of what is promised under this hub has to be drawn. */
      draw: (hub: Address) => void
      /** Traffic under this hub waits. */
      held: (hub: Address, limit: Wei) => void
    },
  ) {}

  /** A larger promise is on disk. */
  promised(hub: Address, channelId: Hex, total: Wei): void {
    const limit = this.limitOf(hub)
    const book = this.#books.get(hub) ?? this.#read(hub)
    const before = book.promised.get(channelId) ?? 0n
    if (total > before) {
      book.sum += total - before
      book.promised.set(channelId, total)
    }
    const state = judgeExposure(book.sum, limit)
    if (state !== 'within') this.#draw(hub)
    if (state === 'hold') this.#hold(hub, channelId, total, limit)
    else this.events.pass(channelId, total)
  }

  /** Something may have been drawn. */
  settled(hub: Address): void {
    const { sum } = this.#read(hub)
    const waiting = this.#held.get(hub)
    if (waiting === undefined || judgeExposure(sum, this.limitOf(hub)) === 'hold') return
    this.#held.delete(hub)
    for (const [channelId, total] of waiting) this.events.pass(channelId, total)
  }

  #hold(hub: Address, channelId: Hex, total: Wei, limit: Wei): void {
    const waiting = this.#held.get(hub)
    if (waiting === undefined) this.events.held(hub, limit)
    this.#held.set(hub, (waiting ?? new Map<Hex, Wei>()).set(channelId, total))
  }

  #draw(hub: Address): void {
    const now = this.elapsedMs()
    if (now - (this.#triedAt.get(hub) ?? Number.NEGATIVE_INFINITY) < drawEveryMs) return
    this.#triedAt.set(hub, now)
    this.events.draw(hub)
  }

  #read(hub: Address): Book {
    const channels = this.store.channelsOf(hub)
    const book = {
      sum: exposureOf(channels.flatMap(({ promise }) => (promise ? [promise] : []))),
      promised: new Map(channels.map(({ channelId, promise }) => [channelId, promise?.amount ?? 0n])),
    }
    this.#books.set(hub, book)
    return book
  }
}
