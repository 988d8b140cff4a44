import type { KeptPromise, PromiseStore } from './promiseStore.js'

/** Least milliseconds between two commits: each waits for the disk once, for all that gathered meanwhile. */
const commitEveryMs = 2

/**
 * Gathers promises and stores them together. One channel's later promise replaces its earlier one within a group,
 * so a commit writes one row a channel.
 */
export class GroupCommit {
  readonly #store: PromiseStore
  #waiting = new Map<string, { promise: KeptPromise; stored: ((promise: KeptPromise) => void)[] }>()
  #timer: NodeJS.Timeout | undefined
  #lastAt = 0

  constructor(store: PromiseStore) {
    this.#store = store
  }

  /** Resolves, with the promise that was stored for this channel, once it is on disk. Rejects when the disk fails. */
  keep(promise: KeptPromise): Promise<KeptPromise> {
    return new Promise((resolve, reject) => {
      const group = this.#waiting.get(promise.channelId)
      if (group === undefined) this.#waiting.set(promise.channelId, { promise, stored: [resolve] })
      else {
        if (promise.amount > group.promise.amount) group.promise = promise
        group.stored.push(resolve)
      }
      this.#failed.push(reject)
      this.#timer ??= setTimeout(
        () => this.flush(),
        Math.max(0, this.#lastAt + commitEveryMs - performance.now()),
      )
    })
  }

  #failed: ((error: unknown) => void)[] = []

  /** Stores what waits now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const groups = [...this.#waiting.values()]
    const failed = this.#failed
    this.#waiting = new Map()
    this.#failed = []
    if (groups.length === 0) return
    try {
      this.#store.keepPromises(groups.map((group) => group.promise))
    } catch (error) {
      for (const reject of failed) reject(error)
      return
    }
    this.#lastAt = performance.now()
    for (const { promise, stored } of groups) for (const resolve of stored) resolve(promise)
  }
}
