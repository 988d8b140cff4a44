/** Numbers that follow from a seed and nothing else (sfc32). */
export class Chance {
  #a: number
  #b: number
  #c: number
  #d: number

  /** @param seed - Text: streams of different names are independent of each other. */
  constructor(seed: string) {
    const [a, b, c, d] = spread(seed)
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
    for (let warm = 0; warm < 12; warm++) this.#next()
  }

  /** From 0 to below 1. */
  real(): number {
    return this.#next() / 2 ** 32
  }

  /** A whole number from 0 to below `sides`. */
  dice(sides: number): number {
    return Math.floor(this.real() * sides)
  }

  /** Whole, both ends included. */
  between(least: number, most: number): number {
    return least + this.dice(most - least + 1)
  }

  /** True once in `times`. */
  rarely(times: number): boolean {
    return this.dice(times) === 0
  }

  one<Item>(items: readonly Item[]): Item {
    const item = items[this.dice(items.length)]
    if (item === undefined) throw new RangeError('There is nothing to choose from.')
    return item
  }

  /** One of them, where there is any. */
  any<Item>(items: readonly Item[]): Item | undefined {
    return items.length === 0 ? undefined : this.one(items)
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let at = 0; at < length; at++) bytes[at] = this.dice(256)
    return bytes
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + sum) | 0
    return sum >>> 0
  }
}

/** Four numbers of 32 bits from a text (xmur3). */
function spread(seed: string): [number, number, number, number] {
  let hash = 1_779_033_703 ^ seed.length
  for (let at = 0; at < seed.length; at++) {
    hash = Math.imul(hash ^ seed.charCodeAt(at), 3_432_918_353)
    hash = (hash << 13) | (hash >>> 19)
  }
  const next = () => {
    hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_507)
    hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_909)
    hash ^= hash >>> 16
    return hash >>> 0
  }
  return [next(), next(), next(), next()]
}
