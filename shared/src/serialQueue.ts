/**
 * Runs work one after the other, in the order it was asked for. What fails, fails for whoever asked, and does not keep
 * the rest from running.
 *
 * @example
 * const queue = new SerialQueue()
 * await Promise.all([queue.run(() => write('a')), queue.run(() => write('b'))]) // 'b' begins when 'a' is written
 */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()

  /** @returns what the work returns, once everything asked for before has ended. */
  run<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when nothing runs or waits, including what was added meanwhile. Never rejects. */
  async idle(): Promise<void> {
    for (let seen: unknown; seen !== this.#last; ) {
      seen = this.#last
      await seen
    }
  }
}
