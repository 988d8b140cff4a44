/** Reads what many ask for at once together: whoever asks while a read is under way shares the next one. */
export class BatchLoader<Key, Value> {
  #waiting = new Map<
    Key,
    { promise: Promise<Value | undefined>; settle: (value: Promise<Value | undefined>) => void }
  >()
  #reading = false

  constructor(private readonly read: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>) {}

  /** @returns The value as it stands after this call began; undefined where there is none. */
  get(key: Key): Promise<Value | undefined> {
    const known = this.#waiting.get(key)
    if (known) return known.promise
    let settle: (value: Promise<Value | undefined>) => void = () => undefined
    const promise = new Promise<Value | undefined>((resolve) => {
      settle = resolve
    })
    this.#waiting.set(key, { promise, settle })
    if (!this.#reading) {
      this.#reading = true
      queueMicrotask(() => void this.#work())
    }
    return promise
  }

  async #work(): Promise<void> {
    while (this.#waiting.size > 0) {
      const asked = this.#waiting
      this.#waiting = new Map()
      const read = this.read([...asked.keys()])
      for (const [key, { settle }] of asked) settle(read.then((values) => values.get(key)))
      await read.catch(() => undefined) // Each of those who asked is told.
    }
    this.#reading = false
  }
}
