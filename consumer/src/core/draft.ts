/** An immutable value that is being put together: each part is copied before its first change, and only then. */
export class Draft<Parts extends object> {
  #parts: Parts
  readonly #own = new Set<keyof Parts>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get parts(): Readonly<Parts> {
    return this.#parts
  }

  /** A part, to be changed in place. */
  own<Name extends keyof Parts, Part extends Parts[Name]>(
    name: Name,
    copy: (part: Parts[Name]) => Part,
  ): Part {
    if (!this.#own.has(name)) {
      this.#parts = { ...this.#parts, [name]: copy(this.#parts[name]) }
      this.#own.add(name)
    }
    return this.#parts[name] as Part
  }

  /** What came of it; no later change shows in it. */
  take(): Parts {
    this.#own.clear()
    return this.#parts
  }
}

/** How maps and sets are copied. */
export const mapOf = <Key, Value>(map: ReadonlyMap<Key, Value>): Map<Key, Value> => new Map(map)
export const setOf = <Item>(set: ReadonlySet<Item>): Set<Item> => new Set(set)
