import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { theNetwork } from '../../network/network.js'
import { type Process, timeline } from '../timeline.js'
import type { Socket } from './net.js'

/** Listening programs, by machine and port. */
const listening = new Map<string, Server>()

export const serverAt = (host: string, port: number): Server | undefined => listening.get(`${host}:${port}`)

/** A listening socket of the simulation, for pages and websockets. */
export class Server extends EventEmitter {
  maxConnections = 0
  isListening = false
  owner: Process
  host = ''
  /** Its certificate in DER; undefined without TLS. */
  presented: Buffer | undefined
  #port = 0

  constructor(options: { cert?: string } = {}) {
    super()
    this.owner = timeline().process
    if (options.cert !== undefined) this.presented = Buffer.from(options.cert)
  }

  listen(port: number, _host: string, done: () => void): this {
    this.#port = port === 0 ? 40_000 + timeline().process.chance.dice(20_000) : port
    this.host = this.owner.name
    const key = `${this.host}:${this.#port}`
    timeline().plan(0, () => {
      const other = listening.get(key)
      if (other?.isListening && other.owner.isAlive)
        return this.emit('error', Object.assign(new Error('in use'), { code: 'EADDRINUSE' }))
      listening.set(key, this)
      this.isListening = true
      done()
    })
    return this
  }

  setSecureContext({ cert }: { cert: string }): void {
    this.presented = Buffer.from(cert)
  }

  address = () => ({ address: this.host, port: this.#port })
  /** Nobody asks for a page here. */
  setTimeout(): void {}
  closeIdleConnections(): void {}
  closeAllConnections(): void {}

  close(done?: () => void): this {
    this.isListening = false
    timeline().plan(0, () => done?.())
    return this
  }
}

export const createServer = (options?: { cert?: string }): Server => new Server(options)
export class Agent {}
/** Answers of plain servers are not simulated. */
export class ServerResponse extends EventEmitter {}

interface Answer {
  readonly status: number
  readonly text: string
  readonly retryAfter?: string
}

/** What answers questions over HTTP that no program of ours asks another: the nodes of the chain. */
export interface Answerer {
  readonly machine: string
  /** @returns undefined when no answer comes. */
  answer(body: string): Promise<Answer | undefined>
}

const answerers = new Map<string, Answerer>()
export const answerAt = (host: string, answerer: Answerer): void => void answerers.set(host, answerer)
export function forgetServers(): void {
  listening.clear()
  answerers.clear()
}

/** One question over HTTP. */
class Request extends EventEmitter {
  readonly reusedSocket = false
  #isOver = false

  constructor(
    private readonly url: URL,
    signal: AbortSignal | undefined,
  ) {
    super()
    signal?.addEventListener('abort', () => this.#fail('aborted'), { once: true })
  }

  end(body: string): void {
    const time = timeline()
    const network = theNetwork()
    const asker = time.process
    const answerer = answerers.get(this.url.hostname)
    if (!answerer) return void time.plan(1, () => this.#fail('connect ECONNREFUSED'))
    if (network.isCut(asker.name, answerer.machine)) return
    time.plan(
      network.delayMs(),
      () => {
        void time.hold(
          answerer.answer(body).then((answer) => {
            // What was done is done, whether or not the answer arrives.
            if (!answer || network.isCut(asker.name, answerer.machine)) return
            time.plan(network.delayMs(), () => this.#take(answer), asker)
          }),
        )
      },
      time.world,
    )
  }

  #take({ status, text, retryAfter }: Answer): void {
    if (this.#isOver) return
    this.#isOver = true
    timeline().trace.note(`reads ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`)
    const pieces = async function* () {
      yield Buffer.from(text)
    }
    this.emit('response', {
      statusCode: status,
      statusMessage: '',
      headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
      [Symbol.asyncIterator]: pieces,
    })
  }

  #fail(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.emit('error', new Error(reason))
  }
}

export const request = (url: URL, { signal }: { signal?: AbortSignal } = {}): Request =>
  new Request(url, signal)
export const get = (): never => {
  throw new Error('The simulation has no get.')
}
export type { Socket }
