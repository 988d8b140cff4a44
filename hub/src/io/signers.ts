import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Address, Deployment } from '@pontage/shared'
import { type AddressedPromise, readSigners, writeBatch } from './signerBatch.js'
import { workerFile } from './workerFile.js'

/** Finds out who signed micro-promises, off the main thread. */
export interface Signers {
  /** Who signed each; undefined where the signature is malformed. @throws Error when a worker died of it */
  of(promises: readonly AddressedPromise[]): Promise<readonly (Address | undefined)[]>
  close(): Promise<void>
}

/** A batch is worth its trip between threads, and short enough to spread over all of them. */
const leastBatch = 8
const mostBatch = 64
/** Batches a thread has at hand, so that it need not wait for the next. */
const batchesAhead = 2
/** Latest promises whose signer is remembered: a repeated one is not checked again. */
const mostRemembered = 50_000

interface Order {
  readonly promise: AddressedPromise
  readonly resolve: (signer: Address | undefined) => void
  readonly reject: (error: Error) => void
}

/**
 * Starts the threads. Keys are recovered, not checked against a known one: that would be a sixth faster, but does
 * not see the last byte of a signature, without which the chain refuses it (docs/decisions).
 */
export function startSigners(deployment: Deployment, threads: number = availableParallelism()): Signers {
  const remembered = new Map<string, AddressedPromise & { signer: Address | undefined }>()
  const waiting: Order[] = []
  const crew = new Set<Hand>()
  let closing = false

  const dispatch = () => {
    for (const hand of crew) {
      if (waiting.length === 0) return
      if (hand.underWay.length >= batchesAhead) continue
      const share = Math.ceil(waiting.length / threads)
      hand.give(waiting.splice(0, Math.min(mostBatch, Math.max(leastBatch, share))))
    }
  }
  const hire = () => {
    const hand = new Hand(deployment, dispatch)
    crew.add(hand)
    void hand.gone.then((error) => {
      crew.delete(hand)
      const lost = hand.underWay.flat()
      // What ended one must not end all; but who never worked will not work the next time either.
      if (hand.worked && !closing) hire()
      if (crew.size === 0) lost.push(...waiting.splice(0))
      for (const { reject } of lost) reject(error)
      dispatch()
    })
  }
  for (let count = 0; count < threads; count++) hire()

  const remember = (promise: AddressedPromise, signer: Address | undefined) => {
    const key = keyOf(promise)
    remembered.delete(key)
    remembered.set(key, { ...promise, signer })
    if (remembered.size <= mostRemembered) return
    const [oldest] = remembered.keys()
    if (oldest !== undefined) remembered.delete(oldest)
  }

  return {
    async of(promises) {
      const answers = promises.map((promise) => {
        const known = remembered.get(keyOf(promise))
        if (known && known.amount === promise.amount && known.signature === promise.signature)
          return known.signer
        return new Promise<Address | undefined>((resolve, reject) => {
          waiting.push({
            promise,
            reject,
            resolve: (signer) => {
              remember(promise, signer)
              resolve(signer)
            },
          })
        })
      })
      if (crew.size === 0) for (const { reject } of waiting.splice(0)) reject(new Error(nobodyLeft))
      dispatch()
      return Promise.all(answers)
    },
    async close() {
      closing = true
      await Promise.all([...crew].map((hand) => hand.close()))
      for (const { reject } of waiting.splice(0)) reject(new Error('The hub is shutting down.'))
    },
  }
}

const nobodyLeft = 'No thread is left that checks signatures. Start the hub again.'

const keyOf = ({ channelId, provider }: AddressedPromise): string => channelId + provider

/** One thread and what it has at hand. */
class Hand {
  readonly underWay: Order[][] = []
  worked = false
  /** Resolves with the reason once the thread is gone. */
  readonly gone: Promise<Error>
  readonly #worker: Worker

  constructor(deployment: Deployment, done: () => void) {
    this.#worker = new Worker(workerFile(import.meta.url, './signerWorker.js'), { workerData: deployment })
    this.#worker.on('message', (signers: Uint8Array) => {
      this.worked = true
      const orders = this.underWay.shift() ?? []
      const found = readSigners(signers)
      orders.forEach(({ resolve }, index) => {
        resolve(found[index])
      })
      done()
    })
    this.gone = new Promise((resolve) => {
      this.#worker.once('error', resolve)
      this.#worker.once('exit', (code) =>
        resolve(new Error(`A thread that checks signatures ended with ${code}.`)),
      )
    })
  }

  give(orders: Order[]): void {
    this.underWay.push(orders)
    this.#worker.postMessage(writeBatch(orders.map(({ promise }) => promise)))
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}
