import type { ClearAnswer, ClearRequest } from '../../clear.js'
import type { Hex } from '../../units.js'

/** Stands where a channel has no handle: its id is sent each time. */
export const noHandle = 0xffff
/** Handles of one connection: some megabyte at the end that keeps what they stand for. */
export const handleLimit = 16_384

/** What a provider calls its channels on one connection: two bytes instead of thirty-two, once the hub took a promise by them. */
export class GivenHandles {
  readonly #given = new Map<Hex, { readonly handle: number; isTaken: boolean }>()

  /** The id goes along until a clear that brought it has been answered: one that was refused may not have been read. */
  of(channelId: Hex): { readonly handle: number; readonly isTaken: boolean } {
    const known = this.#given.get(channelId)
    if (known) return known
    if (this.#given.size >= handleLimit) return { handle: noHandle, isTaken: false }
    const given = { handle: this.#given.size, isTaken: false }
    this.#given.set(channelId, given)
    return given
  }

  answered({ promises }: ClearRequest, { refused }: ClearAnswer): void {
    const notTaken = new Set(refused.map(({ channelId }) => channelId))
    for (const { channelId } of promises) {
      const given = this.#given.get(channelId)
      if (given && !notTaken.has(channelId)) given.isTaken = true
    }
  }
}

/** What a provider's handles stand for, at the hub's end of a connection. */
export class TakenHandles {
  readonly #channels = new Map<number, Hex>()
  readonly #named = new Set<Hex>()

  channel(handle: number): Hex | undefined {
    return this.#channels.get(handle)
  }

  /**
   * Keeps the handles that came with promises which were taken, the first of each channel: so nobody fills memory with ids of no
   * channel, or with one channel again and again.
   */
  answered(named: ReadonlyMap<number, Hex>, { refused }: ClearAnswer): void {
    const notTaken = new Set(refused.map(({ channelId }) => channelId))
    for (const [handle, channelId] of named) {
      const isKnown = this.#channels.has(handle) || this.#named.has(channelId)
      if (isKnown || handle >= handleLimit || notTaken.has(channelId)) continue
      this.#channels.set(handle, channelId)
      this.#named.add(channelId)
    }
  }
}
