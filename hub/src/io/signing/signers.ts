import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import type { Address, Deployment } from '@pontage/shared'
import { startThread } from '../startThread.js'
import { type AddressedPromise, readSigners, writeBatch } from './signerBatch.js'

/** Finds out who signed micro-promises, off the main thread. */
export interface Signers {
  /** Who signed each; undefined where the signature is malformed. @throws Error when a worker died of it */
  of(promises: readonly AddressedPromise[]): Promise<readonly (Address | undefined)[]>
  close(): Promise<void>
}

/** A batch is worth its trip between threads, and short enough to spread over all of them. */
const minBatch = 16
const maxBatch = 64
/** Batches a thread has at hand, so that it need not wait for the next. */
const batchesAhead = 2

/** What somebody asked for: done when nothing of it is left. */
interface Request {
  readonly signers: (Address | undefined)[]
  left: number
  readonly resolve: (signers: readonly (Address | undefined)[]) => void
  readonly reject: (error: Error) => void
}

/** One promise of a request, and its place there. */
interface Order {
  readonly promise: AddressedPromise
  readonly request: Request
  readonly place: number
}

/**
 * Starts the threads. Keys are recovered, not checked against a known one: that would be a sixth faster, but does
 * not see the last byte of a signature, without which the chain refuses it (docs/decisions).
 */
export function startSigners(deployment: Deployment, threads: number = availableParallelism()): Signers {
  const waiting: Order[] = []
  const crew = new Set<Hand>()
  let closing = false
  let due = false

  const dispatch = () => {
    due = false
    while (waiting.length > 0) {
      const [hand] = [...crew].sort((a, b) => a.inFlight.length - b.inFlight.length)
      if (!hand || hand.inFlight.length >= batchesAhead) return
      const share = Math.ceil(waiting.length / threads)
      hand.give(waiting.splice(0, Math.min(maxBatch, Math.max(minBatch, share))))
    }
  }
  const hire = () => {
    const hand = new Hand(deployment, (orders, signers) => {
      settle(orders, signers)
      dispatch()
    })
    crew.add(hand)
    void hand.gone.then((error) => {
      crew.delete(hand)
      const lost = hand.inFlight.flat()
      // What ended one must not end all; but who never worked will not work the next time either.
      if (hand.worked && !closing) hire()
      if (crew.size === 0) lost.push(...waiting.splice(0))
      fail(lost, error)
      dispatch()
    })
  }
  for (let count = 0; count < threads; count++) hire()

  const settle = (orders: readonly Order[], signers: readonly (Address | undefined)[]) => {
    orders.forEach(({ request, place }, index) => {
      request.signers[place] = signers[index]
      request.left--
      if (request.left === 0) request.resolve(request.signers)
    })
  }

  return {
    of: (promises) =>
      new Promise((resolve, reject) => {
        const request: Request = { signers: new Array(promises.length), left: 0, resolve, reject }
        promises.forEach((promise, place) => {
          request.left++
          waiting.push({ promise, request, place })
        })
        if (request.left === 0) resolve(request.signers)
        else if (crew.size === 0) fail(waiting.splice(0), new Error(nobodyLeft))
        else if (!due) {
          // What else came in at this moment goes along: a trip costs as much as a signature.
          due = true
          setImmediate(dispatch)
        }
      }),
    async close() {
      closing = true
      await Promise.all([...crew].map((hand) => hand.close()))
      fail(waiting.splice(0), new Error('The hub is shutting down.'))
    },
  }
}

const nobodyLeft = 'All threads that check signatures have ended. Restart the hub.'

function fail(orders: readonly Order[], error: Error): void {
  for (const { request } of orders) request.reject(error)
}

/** One thread and what it has at hand. */
class Hand {
  readonly inFlight: Order[][] = []
  worked = false
  /** Resolves with the reason once the thread is gone. */
  readonly gone: Promise<Error>
  readonly #worker: Worker

  constructor(
    deployment: Deployment,
    done: (orders: readonly Order[], signers: readonly (Address | undefined)[]) => void,
  ) {
    this.#worker = startThread(import.meta.url, './signerWorker.js', deployment)
    this.#worker.on('message', (signers: Uint8Array) => {
      this.worked = true
      const orders = this.inFlight.shift() ?? []
      done(orders, readSigners(signers))
    })
    this.gone = new Promise((resolve) => {
      this.#worker.once('error', resolve)
      this.#worker.once('exit', (code) =>
        resolve(new Error(`A thread that checks signatures ended with ${code}.`)),
      )
    })
  }

  give(orders: Order[]): void {
    this.inFlight.push(orders)
    this.#worker.postMessage(writeBatch(orders.map(({ promise }) => promise)))
  }

  /** Lets the thread end by itself: one stopped inside native code takes the process with it. */
  async close(): Promise<void> {
    this.#worker.postMessage(undefined)
    await this.gone
  }
}
