const secondsPerDay = 86_400

/** How often somebody did something within a day; what is older is forgotten. */
export class DayCount {
  readonly #times = new Map<string, number[]>()

  /** @param now - In seconds. */
  of(key: string, now: number): number {
    const recent = (this.#times.get(key) ?? []).filter((at) => at > now - secondsPerDay)
    if (recent.length > 0) this.#times.set(key, recent)
    else this.#times.delete(key)
    return recent.length
  }

  note(key: string, now: number): void {
    // Whoever came once and never again must not stay for ever.
    if (!this.#times.has(key)) for (const each of [...this.#times.keys()]) this.of(each, now)
    this.#times.set(key, [...(this.#times.get(key) ?? []), now])
  }
}
