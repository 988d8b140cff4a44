import { EventEmitter } from 'node:events'
import { pathToFileURL } from 'node:url'
import { timeline } from '../timeline.js'

/** The thread that is being started: a worker's module asks for it once, while it loads. */
let starting: Thread | undefined
let started = 0
let queue: Promise<unknown> = Promise.resolve()

export class Port extends EventEmitter {
  constructor(
    private readonly deliver: (message: unknown) => void,
    private readonly end: () => void,
  ) {
    super()
  }
  postMessage(message: unknown): void {
    this.deliver(structuredClone(message))
  }
  close(): void {
    this.end()
  }
}

interface Thread {
  readonly port: Port
  readonly data: unknown
}

/** Milliseconds that a message between threads takes, the work of the other one included. */
const latencyMs = (): number => 0.05 + timeline().chance.real() * 2

/**
 * A thread whose code runs in this one: each message is an event of its own, so that its program can die between what was
 * asked and what is done.
 */
export class Worker extends EventEmitter {
  #port: Port | undefined
  readonly #waiting: unknown[] = []
  #isOver = false

  constructor(file: string, { workerData }: { workerData?: unknown } = {}) {
    super()
    const time = timeline()
    const { process } = time
    const port = new Port(
      (message) => time.plan(latencyMs(), () => this.emit('message', message), process),
      () => {
        if (this.#isOver) return
        this.#isOver = true
        time.plan(latencyMs(), () => this.emit('exit', 0), process)
      },
    )
    const url = `${pathToFileURL(file).href}?thread=${++started}`
    // One after the other: each module takes the thread that is being started.
    queue = queue.then(async () => {
      starting = { port, data: workerData }
      await import(url)
    })
    const loading = queue
    void time.hold(
      loading.then(() => {
        this.#port = port
        for (const message of this.#waiting.splice(0)) this.#give(message)
      }),
    )
  }

  postMessage(message: unknown): void {
    if (this.#port) this.#give(message)
    else this.#waiting.push(message)
  }

  #give(message: unknown): void {
    const copy = structuredClone(message)
    timeline().plan(latencyMs(), () => {
      if (!this.#isOver) this.#port?.emit('message', copy)
    })
  }

  ref = (): this => this
  unref = (): this => this
  async terminate(): Promise<number> {
    this.#isOver = true
    return 1
  }
}

/** The thread that is being started, for its own module. */
export function takeStarting(): Thread | undefined {
  const thread = starting
  starting = undefined
  return thread
}
