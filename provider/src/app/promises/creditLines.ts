import type { ChannelParties, Hex, Wei } from '@pontage/shared'
import { wei } from '@pontage/shared'
import type { CreditLine } from '../../core/creditLine.js'
import type { PromiseStore } from '../../io/store/promiseStore.js'

/** A credit line with its parties. */
export interface OpenLine extends CreditLine {
  readonly parties: ChannelParties
}

/** The credit lines in memory, so that a promise costs no question to the store. They start from the store. */
export class CreditLines {
  readonly #lines = new Map<Hex, OpenLine>()

  constructor(private readonly store: PromiseStore) {}

  /** The line of a channel; undefined when we never had anything to do with it. */
  get(channelId: Hex): OpenLine | undefined {
    const known = this.#lines.get(channelId)
    if (known) return known
    const stored = this.store.channel(channelId)
    if (stored === undefined) return undefined
    const line: OpenLine = {
      channelId,
      parties: stored.parties,
      consumer: stored.parties.consumer,
      accepted: stored.promise?.amount ?? wei(0n),
      ceiling: stored.guarantee?.ceiling,
      released: stored.released !== undefined,
    }
    this.#lines.set(channelId, line)
    return line
  }

  /** Notes a promise on its way to the store: the next one has to be larger. */
  accept(line: OpenLine, amount: Wei): void {
    this.#lines.set(line.channelId, { ...line, accepted: amount })
  }

  /** Notes that no more is taken on a channel, or again is. */
  release(channelId: Hex, released: boolean): void {
    const line = this.get(channelId)
    if (line) this.#lines.set(channelId, { ...line, released })
  }

  /** Reads a line again after the store changed beneath it: a new guarantee. */
  refresh(channelId: Hex): OpenLine | undefined {
    const before = this.#lines.get(channelId)
    this.#lines.delete(channelId)
    const line = this.get(channelId)
    if (line === undefined || before === undefined) return line
    const merged = {
      ...line,
      // What is on its way to the store counts already.
      accepted: before.accepted,
      released: before.released || line.released,
    }
    this.#lines.set(channelId, merged)
    return merged
  }
}
