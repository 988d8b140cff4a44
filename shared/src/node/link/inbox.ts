import type { RawData, WebSocket } from 'ws'

/** One frame as it came. */
export interface Frame {
  readonly data: Buffer
  readonly binary: boolean
}

/** Frames that wait to be asked for; what comes beyond them is dropped. */
const maxWaiting = 16

/**
 * The frames of one socket, none lost between the introduction and the conversation:
 * they queue until somebody asks for the next one, or takes them all.
 */
export class Inbox {
  readonly #waiting: Frame[] = []
  #take: ((frame: Frame) => void) | undefined
  #wake: (() => void) | undefined
  #closed = false

  constructor(socket: WebSocket) {
    socket.on('message', (data: RawData, binary: boolean) => this.#push({ data: asBuffer(data), binary }))
    socket.on('close', () => {
      this.#closed = true
      this.#wake?.()
    })
  }

  /** The next frame, `closed` when no more can come, `silent` when none came in time. */
  async next(timeoutMs: number): Promise<Frame | 'closed' | 'silent'> {
    if (this.#waiting.length === 0 && !this.#closed) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        timer = setTimeout(resolve, timeoutMs)
      })
      clearTimeout(timer)
      this.#wake = undefined
    }
    return this.#waiting.shift() ?? (this.#closed ? 'closed' : 'silent')
  }

  /** Hands every frame, those that wait first, to `take` from now on. */
  drainTo(take: (frame: Frame) => void): void {
    for (const frame of this.#waiting.splice(0)) take(frame)
    this.#take = take
  }

  #push(frame: Frame): void {
    if (this.#take) {
      this.#take(frame)
      return
    }
    // Who has not introduced itself has nothing more to say than that.
    if (this.#waiting.length >= maxWaiting) return
    this.#waiting.push(frame)
    this.#wake?.()
  }
}

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
