import type { Worker } from 'node:worker_threads'
import { LedgerUnavailable } from '../ledger.js'
import { startThread } from '../startThread.js'
import type { Ask, Engine, Row } from '../store/engine.js'
import type { Answer, Call } from './storeWorker.js'

/** Runs statements on one file, in a thread of their own: a commit waits for the disk, and nobody else need wait. */
export function sqliteEngine(path: string): Engine {
  let thread: Thread | undefined
  const ask = (method: Call['method'], asks: readonly Ask[] = []): Promise<unknown> => {
    if (thread?.gone ?? true) thread = new Thread(path)
    return (thread as Thread).ask(method, asks)
  }
  const rows = (method: 'read' | 'begin', asks: readonly Ask[]) => ask(method, asks) as Promise<Row[][]>
  return {
    isShared: false,
    read: (asks) => rows('read', asks),
    begin: (asks) => rows('begin', asks),
    more: (asks) => rows('read', asks),
    commit: async (writes) => void (await ask('commit', writes)),
    rollback: async () => void (await ask('rollback')),
    origin: () => '',
    leads: async () => true,
    standDown: () => undefined,
    problem: () => ask('problem') as Promise<string | undefined>,
    async close() {
      await ask('close')
      await thread?.end()
    },
  }
}

class Thread {
  readonly #worker: Worker
  readonly #path: string
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: unknown) => void }
  >()
  #next = 0
  /** Whether it ended, in whatever way. */
  gone = false
  readonly #exit: Promise<unknown>

  constructor(path: string) {
    this.#path = path
    this.#worker = startThread(import.meta.url, './storeWorker.js', path)
    this.#worker.unref()
    this.#worker.on('message', (answer: Answer) => this.#take(answer))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', (code) => this.#fail(new Error(`its thread ended with ${code}`)))
    this.#exit = new Promise((resolve) => this.#worker.once('exit', resolve))
  }

  ask(method: Call['method'], asks: readonly Ask[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // As long as somebody waits, the process does not end.
      if (this.#waiting.size === 0) this.#worker.ref()
      const id = this.#next++
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, method, asks } satisfies Call)
    })
  }

  /** Waits until a thread whose store was closed has ended. */
  async end(): Promise<void> {
    this.#worker.ref()
    await this.#exit
  }

  #take({ id, result, failure }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#worker.unref()
    if (failure)
      waiting?.reject(asLedgerError(this.#path, Object.assign(new Error(failure.message), failure)))
    else waiting?.resolve(result)
  }

  #fail(error: Error): void {
    this.gone = true
    for (const { reject } of this.#waiting.values()) reject(asLedgerError(this.#path, error, true))
    this.#waiting.clear()
  }
}

/** What the operator has to mend, told from what the program did wrong. */
const outages = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_BUSY', 'SQLITE_CANTOPEN', 'SQLITE_READONLY']

function asLedgerError(path: string, error: Error & { code?: string }, died = false): unknown {
  const { code = '', message } = error
  if (!died && !outages.some((ailment) => code.startsWith(ailment))) return error
  return new LedgerUnavailable(
    `The ledger ${path} cannot be written: ${message}${code && ` (${code})`}. Check the disk that it is on.`,
    { cause: error },
  )
}
