import type { WebSocket } from 'ws'

/** What a packet holds on any path that carries IPv6, with what websocket, TLS, TCP and IP add. */
const pieceBytes = 1_000
/** What is longer goes as it is: nothing of this length is said before there is a tunnel. */
const longestInPieces = 8_000

/**
 * Sends in order. A text that one packet does not hold goes in several, whatever the machine thinks that a packet may hold:
 * where a path takes less and does not say so, a full packet is lost each time it is sent again.
 */
export class Outbox {
  /** What is left of the text that is going out; undefined while none is. */
  #rest: Buffer | undefined
  /** What comes after it, and its length in all. */
  #waiting: { data: string | Buffer; sent: (() => void) | undefined }[] = []
  #waitingBytes = 0

  constructor(private readonly socket: WebSocket) {}

  /** Bytes that were sent here and that the kernel has not taken yet. */
  get backlogBytes(): number {
    return this.socket.bufferedAmount + (this.#rest?.length ?? 0) + this.#waitingBytes
  }

  /** @param sent - Called once the memory of `data` may be written again; never where the connection is gone. */
  send(data: string | Buffer, sent?: () => void): void {
    if (this.#rest !== undefined) {
      this.#waiting.push({ data, sent })
      this.#waitingBytes += data.length
    } else if (typeof data === 'string' && data.length > pieceBytes && data.length <= longestInPieces) {
      this.#rest = Buffer.from(data)
      this.#next()
    } else if (sent === undefined) this.socket.send(data)
    else this.socket.send(data, (error) => error ?? sent())
  }

  /** Sends all that is left at once: the connection is about to be closed. */
  flush(): void {
    while (this.#rest !== undefined) {
      this.socket.send(this.#rest, { binary: false })
      this.#finished()
    }
  }

  /** The next piece, once the kernel has taken the one before: what waits together becomes one packet. */
  #next(): void {
    if (this.#rest === undefined) return
    const piece = this.#rest.subarray(0, pieceBytes)
    const fin = piece.length === this.#rest.length
    this.#rest = this.#rest.subarray(pieceBytes)
    this.socket.send(piece, { binary: false, fin }, () => setImmediate(() => this.#next()))
    if (fin) this.#finished()
  }

  #finished(): void {
    this.#rest = undefined
    this.#waitingBytes = 0
    for (const { data, sent } of this.#waiting.splice(0)) this.send(data, sent)
  }
}
