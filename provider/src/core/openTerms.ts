import type { Address, Hex, Signed } from '@pontage/shared'

/** How long terms may wait to be taken up, in seconds. */
const openWithinSeconds = 600
/** Terms of one consumer that may wait, for as many channels; and of all. The oldest give way. */
const maxOfOne = 4
const maxInAll = 4_000

/** Terms that were signed and wait for their session: so few that whoever asks again and again gains nothing. */
export class OpenTerms {
  /** The oldest first. */
  readonly #terms = new Map<Hex, Signed<'SessionTerms'>>()
  readonly #channels = new Map<Address, Hex[]>()

  get count(): number {
    return this.#terms.size
  }

  /** Keeps what was just signed, in place of earlier terms for the same channel. */
  keep(terms: Signed<'SessionTerms'>): void {
    const { channelId, consumer, issuedAt } = terms
    this.take(channelId)
    const channels = [...(this.#channels.get(consumer) ?? []), channelId]
    this.#channels.set(consumer, channels)
    this.#terms.set(channelId, terms)
    if (channels.length > maxOfOne && channels[0]) this.take(channels[0])
    for (const [id, oldest] of this.#terms) {
      if (this.#terms.size <= maxInAll && oldest.issuedAt + openWithinSeconds >= issuedAt) break
      this.take(id)
    }
  }

  /** The terms agreed for a channel; undefined when there are none, or they have waited too long. */
  find(channelId: Hex, now: number): Signed<'SessionTerms'> | undefined {
    const terms = this.#terms.get(channelId)
    return terms && terms.issuedAt + openWithinSeconds >= now ? terms : undefined
  }

  /** Takes terms away: their session begins, or they are replaced. */
  take(channelId: Hex): void {
    const terms = this.#terms.get(channelId)
    if (terms === undefined) return
    this.#terms.delete(channelId)
    const left = (this.#channels.get(terms.consumer) ?? []).filter((id) => id !== channelId)
    if (left.length === 0) this.#channels.delete(terms.consumer)
    else this.#channels.set(terms.consumer, left)
  }
}
