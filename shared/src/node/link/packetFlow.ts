/** Frames count as queueing when the oldest has been out for twice the shortest way there and back, and this. */
const queueMs = 40
/** Before the way there and back is known. */
const unknownWayMs = 500
/** The shortest way is that of the last one or two of these: a network changes, and with it the distance. */
const windowMs = 10_000
/** Frames of packets that may be out at once, whatever the distance. */
const maxOut = 4_096

/**
 * How much a connection holds of what it was given to carry. TCP takes megabytes before it says that it is slow, and
 * whoever is inside a tunnel would wait seconds for them: here, what would queue for longer than a moment is refused,
 * as a router with a short queue does, and TCP inside slows down by what it misses.
 */
export class PacketFlow {
  /** When each frame that is out was sent, the oldest first. */
  readonly #out: number[] = []
  #arrived = 0
  #leastMs = unknownWayMs
  #leastInWindowMs = Number.POSITIVE_INFINITY
  #windowEndsAt = 0

  /** Whether the next frame would have to wait too long. */
  isFull(atMs: number): boolean {
    const [oldest] = this.#out
    if (oldest === undefined) return false
    return atMs - oldest > 2 * this.#leastMs + queueMs || this.#out.length >= maxOut
  }

  sent(atMs: number): void {
    this.#out.push(atMs)
  }

  /**
   * The other end has received `count` frames since the connection began, modulo 2^32.
   * @returns Whether that can be.
   */
  arrived(count: number, atMs: number): boolean {
    const more = (count - this.#arrived + 2 ** 32) % 2 ** 32
    if (more > this.#out.length) return false
    if (more === 0) return true
    const newest = this.#out.splice(0, more).at(-1) ?? atMs
    this.#arrived = count
    this.#measured(atMs - newest, atMs)
    return true
  }

  #measured(tookMs: number, atMs: number): void {
    this.#leastInWindowMs = Math.min(this.#leastInWindowMs, tookMs)
    if (this.#leastMs === unknownWayMs || this.#leastInWindowMs < this.#leastMs)
      this.#leastMs = this.#leastInWindowMs
    if (atMs < this.#windowEndsAt) return
    this.#leastMs = this.#leastInWindowMs
    this.#leastInWindowMs = Number.POSITIVE_INFINITY
    this.#windowEndsAt = atMs + windowMs
  }
}
