import { parentPort, workerData } from 'node:worker_threads'
import type { Ask } from '../store/engine.js'
import { SqliteStore } from './sqliteStore.js'

// The thread that waits for the disk, so that the one that serves need not.

const port = parentPort
if (!port) throw new Error('This runs as a worker thread only.')
const store = new SqliteStore(workerData)

port.on('message', ({ id, method, asks }: Call) => {
  try {
    port.postMessage({ id, result: run(method, asks) })
    // The thread ends by itself: one stopped inside native code takes the process with it.
    if (method === 'close') port.close()
  } catch (error) {
    const { message, code, stack } = error as Error & { code?: string }
    port.postMessage({ id, failure: { message, code, stack } })
  }
})

function run(method: Method, asks: readonly Ask[]): unknown {
  if (method === 'read') return store.read(asks)
  if (method === 'begin') return store.begin(asks)
  if (method === 'commit') return store.commit(asks)
  if (method === 'rollback') return store.rollback()
  if (method === 'problem') return store.problem()
  return store.close()
}

type Method = 'read' | 'begin' | 'commit' | 'rollback' | 'problem' | 'close'

/** What is asked of the thread. */
export interface Call {
  readonly id: number
  readonly method: Method
  readonly asks: readonly Ask[]
}

/** What the thread answers. */
export interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly failure?: { readonly message: string; readonly code?: string; readonly stack?: string }
}
