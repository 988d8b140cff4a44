/** Seconds of its rate that a bucket holds. */
export const burstSeconds = 2
/** Buckets that stand full again are forgotten this often. */
const sweepEveryMs = 10_000

/** Tokens that come back at a steady rate, for each of many keys. */
export class Buckets {
  readonly #buckets = new Map<string, { tokens: number; at: number }>()
  #sweptAt: number

  /** @param size - Tokens that a bucket holds. */
  constructor(
    private readonly perSecond: number,
    private readonly elapsedMs: () => number,
    private readonly size = burstSeconds * perSecond,
  ) {
    this.#sweptAt = elapsedMs()
  }

  /**
   * Takes what something costs, as long as one is left: what costs more than that leaves a debt to wait for. Whoever
   * has none is refused and goes further into debt, so that going on asking does not pay.
   *
   * @param cost - Less than nothing counts as nothing: nobody is given tokens for asking.
   * @returns Whether it was granted, and whether the debt is as deep as it gets.
   */
  take(key: string, cost = 1): { readonly granted: boolean; readonly exhausted: boolean } {
    const now = this.elapsedMs()
    if (now - this.#sweptAt > sweepEveryMs) this.#sweep(now)
    const bucket = this.#buckets.get(key) ?? { tokens: this.size, at: now }
    const before = this.#refilled(bucket, now)
    const granted = before >= 1
    bucket.tokens = Math.max(before - (granted ? Math.max(0, cost) : 1), -this.size - 1)
    bucket.at = now
    this.#buckets.set(key, bucket)
    return { granted, exhausted: bucket.tokens < -this.size }
  }

  /** Whether something would be granted now. */
  has(key: string): boolean {
    const bucket = this.#buckets.get(key)
    return bucket === undefined || this.#refilled(bucket, this.elapsedMs()) >= 1
  }

  #refilled({ tokens, at }: { tokens: number; at: number }, now: number): number {
    return Math.min(this.size, tokens + ((now - at) / 1_000) * this.perSecond)
  }

  #sweep(now: number): void {
    this.#sweptAt = now
    for (const [key, bucket] of this.#buckets)
      if (this.#refilled(bucket, now) >= this.size) this.#buckets.delete(key)
  }
}
