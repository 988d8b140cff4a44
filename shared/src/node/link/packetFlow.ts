/** The oldest frame may be out for twice the shortest way there and back (a loss on the way explains that), and this. */
const queueMs = 30
/**
 * A queue that stands for so long is too long for the line. One that goes by itself meanwhile was a burst, or a machine
 * whose programs wait for each other: for each frame one of two, three of them get their turn late.
 */
const standingMs = 300
/** Between the first drop from a queue that stands and the second; then less and less. */
const pauseMs = 100
/** Beyond this nothing is added to a queue, and it is no burst any more. */
const longestQueueMs = 500
/** Before the way there and back is known. */
const unknownWayMs = 500
/** The shortest way is that of the last one or two of these: a network changes, and with it the distance. */
const windowMs = 10_000
/** Frames of packets that may be out at once, whatever the distance. */
const maxOut = 4_096

/**
 * How much a connection holds of what it was given to carry. TCP takes megabytes before it says that it is slow, and
 * whoever is inside a tunnel would wait seconds for them: here, a queue that stands is kept short as a good router does it,
 * and TCP inside slows down by what it misses.
 */
export class PacketFlow {
  /** When each frame that is out was sent, the oldest first. */
  readonly #out: number[] = []
  #arrived = 0
  #leastMs = unknownWayMs
  #leastInWindowMs = Number.POSITIVE_INFINITY
  #windowEndsAt = 0
  #queueSince: number | undefined
  #nextDropAt = 0
  #dropped = 0

  /**
   * What of the next frame is to be dropped. While a queue stands, single packets are, and more and more often (the law of
   * CoDel, RFC 8289, section 5.3): what is inside slows down and does not stop.
   */
  drops(atMs: number): 'nothing' | 'one packet' | 'all' {
    const [oldest] = this.#out
    const queuedMs = oldest === undefined ? 0 : atMs - oldest - 2 * this.#leastMs
    if (queuedMs > longestQueueMs || this.#out.length >= maxOut) return 'all'
    if (queuedMs <= queueMs) {
      this.#queueSince = undefined
      return 'nothing'
    }
    if (this.#queueSince === undefined) {
      this.#queueSince = atMs
      this.#nextDropAt = atMs + standingMs
      this.#dropped = 0
    }
    if (atMs < this.#nextDropAt) return 'nothing'
    this.#dropped += 1
    this.#nextDropAt = atMs + pauseMs / Math.sqrt(this.#dropped)
    return 'one packet'
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
