/**
 * Lets so much work be under way at once, and gives what waits its turn by who asks: whoever asks for much waits for
 * itself, and holds up nobody else.
 */
export class Turns {
  readonly #capacity: number
  /** Who waits, whose turn is next first, each with what it waits for, the oldest first. */
  readonly #waiting = new Map<string, { readonly cost: number; readonly begin: () => void }[]>()
  #underWay = 0

  /** @param capacity - Of the costs of what may be under way. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Does the work when it is its turn. One that costs more than may be under way goes alone. */
  async take<Result>(who: string, cost: number, work: () => Promise<Result>): Promise<Result> {
    if (this.#waiting.size > 0 || !this.#fits(cost)) {
      await new Promise<void>((resolve) => {
        const own = this.#waiting.get(who)
        const one = { cost, begin: resolve }
        if (own) own.push(one)
        else this.#waiting.set(who, [one])
      })
    } else this.#underWay += cost
    try {
      return await work()
    } finally {
      this.#underWay -= cost
      this.#next()
    }
  }

  #fits(cost: number): boolean {
    return this.#underWay === 0 || this.#underWay + cost <= this.#capacity
  }

  #next(): void {
    for (;;) {
      const [next] = this.#waiting
      if (!next) return
      const [who, [one, ...rest]] = next
      if (one && !this.#fits(one.cost)) return
      this.#waiting.delete(who)
      if (rest.length > 0) this.#waiting.set(who, rest)
      if (!one) continue
      this.#underWay += one.cost
      one.begin()
    }
  }
}
