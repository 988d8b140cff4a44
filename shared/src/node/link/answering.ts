import { explain, type Refusal, type Verdict } from '../../refusal.js'
import {
  encodeMessage,
  type NoticeType,
  notices,
  type RequestType,
  type Result,
  requests,
} from '../../wire.js'
import type { Log } from '../report/log.js'
import { TakenHandles } from './channelHandles.js'
import { decodeClear, encodeCleared } from './clearFrame.js'
import { problemOf } from './hello.js'
import type { Handlers, Link } from './link.js'
import { frameKind } from './promiseFrame.js'
import { inRequest } from './requestContext.js'

/** What a link may ask of us; a refusal from here is the answer. */
export interface Allowance {
  /** One more request, or what one costs beyond that: undefined when it may be made. */
  readonly take: (cost?: number) => Refusal | undefined
  /** Whether so much was refused that the link is to be closed. */
  readonly exhausted: () => boolean
  /** Begins the work on one: undefined when it may, and `end` is called once after it. */
  readonly begin: () => Refusal | undefined
  readonly end: () => void
}

/** What one promise costs, in requests: at the fastest tunnel, hundreds a second are due. */
const promiseCost = 1 / 20

/** So many bytes cost as much to read as a request: JSON of a frame that is full takes a machine some milliseconds. */
const bytesOfRequest = 8_192
const readingCost = (bytes: number): number => Math.floor(bytes / bytesOfRequest)

type Answerer = (params: unknown, link: Link) => Promise<Verdict<{ value: object }>>

/** Reads what the other end asks and tells, and answers it. */
export class Answering {
  readonly #handles = new TakenHandles()
  #number = 0

  constructor(
    private readonly options: {
      readonly link: Link
      /** Names the link in logs. */
      readonly name: string
      readonly handlers: Handlers
      readonly allowance: Allowance
      readonly send: (data: string | Buffer) => void
      readonly closeWith: (refusal: Refusal) => void
      readonly log: Log
    },
  ) {}

  /** A text frame that is no answer to us. */
  async receive(message: Record<string, unknown>): Promise<void> {
    const { id, type } = message
    if (!this.#admits(id)) return
    if (typeof type !== 'string')
      return this.#refuse(id, { code: 'unknown-message', type: String(type).slice(0, 40) })
    if (Object.hasOwn(notices, type) && id === undefined) return this.#notice(type as NoticeType, message)
    const schema = Object.hasOwn(requests, type) ? requests[type as keyof typeof requests] : undefined
    const handler = schema && this.options.handlers.requests?.[type as RequestType]
    if (!handler) return this.#refuse(id, { code: 'unknown-message', type: type.slice(0, 40) })
    const params = schema.params.safeParse(message)
    if (!params.success)
      return this.#refuse(id, { code: 'malformed-message', type, problem: problemOf(params.error) })
    if (!this.#affords(id, type as RequestType, params.data)) return
    const verdict = await this.#work(type, handler as Answerer, params.data)
    if (verdict.ok) this.options.send(encodeMessage({ id, ok: true, ...verdict.value }))
    else this.#refuse(id, verdict.refusal)
  }

  /** Whether a frame of so many bytes may be read, besides what it asks for. @param id - What it seems to be, for the refusal */
  mayRead(bytes: number, id: number | undefined): boolean {
    const cost = readingCost(bytes)
    return cost === 0 || this.#admits(id, cost)
  }

  /** Something came that says nothing: reading it costs as much as a request. */
  unasked(): void {
    const { allowance, closeWith } = this.options
    const refusal = allowance.take()
    if (refusal && allowance.exhausted()) closeWith(refusal)
  }

  /** A text frame that is none of ours. */
  notJson(text: string): void {
    if (this.#admits(undefined)) this.#refuse(undefined, { code: 'not-json', seen: text.slice(0, 20) })
  }

  /** A binary frame that is no answer to us. */
  async receiveFrame(frame: Buffer): Promise<void> {
    const { handlers, link, send, closeWith, allowance } = this.options
    if (frame[0] !== frameKind.clear) {
      const tooMany = allowance.take(promiseCost)
      // One that is passed over does no harm: the next has the whole total.
      if (tooMany) return allowance.exhausted() ? closeWith(tooMany) : undefined
      const refusal = handlers.frame ? handlers.frame(frame, link) : malformed(frame)
      if (refusal) closeWith(refusal)
      return
    }
    // Reading a thousand promises is work already.
    if (!this.#admits(frame.length >= 5 ? frame.readUInt32BE(1) : undefined)) return
    const clear = decodeClear(frame, this.#handles)
    if (!clear) return closeWith(malformed(frame))
    const { id, params, named } = clear
    const handler = handlers.requests?.clear
    if (!handler) return this.#refuse(id, { code: 'unknown-message', type: 'clear' })
    if (!this.#affords(id, 'clear', params, readingCost(frame.length))) return
    const verdict = await this.#work('clear', handler as Answerer, params)
    if (!verdict.ok) return this.#refuse(id, verdict.refusal)
    const answer = verdict.value as Result<'clear'>
    this.#handles.answered(named, answer)
    send(encodeCleared(id, answer))
  }

  /** Whether the rest of what this request costs may be taken: one was taken for the frame, and `read` where that counts as well. */
  #affords(id: unknown, type: RequestType, params: unknown, read = 0): boolean {
    const rest = (this.options.handlers.costOf?.(type, params) ?? 1) - 1 - read
    return rest <= 0 || this.#admits(id, rest)
  }

  #admits(id: unknown, cost = 1): boolean {
    const { allowance, closeWith } = this.options
    const refusal = allowance.take(cost)
    if (!refusal) return true
    if (allowance.exhausted()) closeWith(refusal)
    else this.#refuse(id, refusal)
    return false
  }

  async #work(type: string, handler: Answerer, params: unknown): Promise<Verdict<{ value: object }>> {
    const { link, name, allowance, log } = this.options
    const refusal = allowance.begin()
    if (refusal) return { ok: false, refusal }
    try {
      return await inRequest(`${name}-${++this.#number}`, async () => {
        log.debug('asked', { type, peer: link.peer })
        const verdict = await handler(params, link)
        if (!verdict.ok) log.debug('refused a request', { type, peer: link.peer, code: verdict.refusal.code })
        return verdict
      })
    } finally {
      allowance.end()
    }
  }

  #notice(type: NoticeType, message: object): void {
    const { handlers, link } = this.options
    const body = notices[type].safeParse(message)
    const take = handlers.notices?.[type] as ((body: unknown, link: Link) => void) | undefined
    if (body.success) take?.(body.data, link)
    else this.#refuse(undefined, { code: 'malformed-message', type, problem: problemOf(body.error) })
  }

  #refuse(id: unknown, refusal: Refusal): void {
    const known = typeof id === 'number' ? id : null
    this.options.send(encodeMessage({ id: known, ok: false, code: refusal.code, message: explain(refusal) }))
  }
}

/** Of a binary frame that is none of ours, or not for us. */
export const malformed = (frame: Buffer): Refusal => ({
  code: 'malformed-frame',
  kind: frame[0] ?? 0,
  length: frame.length,
})
