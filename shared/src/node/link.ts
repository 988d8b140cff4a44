import type { WebSocket } from 'ws'
import { explain, type Refusal, refuse, type Verdict } from '../refusal.js'
import type { Address } from '../units.js'
import {
  encodeMessage,
  maxFrameBytes,
  type Notice,
  type NoticeType,
  notices,
  type Params,
  type RequestType,
  type Result,
  requests,
} from '../wire.js'
import { problemOf } from './hello.js'
import type { Frame, Inbox } from './inbox.js'
import type { Log } from './log.js'

/** A connection whose two ends have proved who they are. */
export interface Link {
  readonly peer: Address
  /** Network address and port of the other end. */
  readonly remoteAddress: string
  /** Asks, and gives the answer or why there is none. Never throws for what the peer does. */
  request<Type extends RequestType>(
    type: Type,
    params: Params<Type>,
    timeoutMs?: number,
  ): Promise<Verdict<{ value: Result<Type> }>>
  /** Tells, without an answer. */
  notify<Type extends NoticeType>(type: Type, body: Notice<Type>): void
  /** Sends one binary frame of promiseFrame.ts. */
  sendFrame(frame: Buffer): void
  close(): void
  /** Resolves once the connection is gone, with a sentence why. */
  readonly closed: Promise<string>
}

/** What one end does with what comes in. */
export interface Handlers {
  readonly requests?: {
    readonly [Type in RequestType]?: (
      params: Params<Type>,
      link: Link,
    ) => Promise<Verdict<{ value: Result<Type> }>> | Verdict<{ value: Result<Type> }>
  }
  readonly notices?: { readonly [Type in NoticeType]?: (body: Notice<Type>, link: Link) => void }
  /** A binary frame. Returns a refusal to close the connection with. */
  readonly frame?: (frame: Buffer, link: Link) => Refusal | undefined
}

/** Requests one connection may make each second, and how many at once after a pause. */
const requestsPerSecond = 200
/** A peer that does not read is cut off at this many waiting bytes. */
const maxBacklogBytes = 4 * maxFrameBytes
const pingEveryMs = 10_000
const answerTimeoutMs = 15_000

/** Takes over a socket after the introduction. */
export function startLink(options: {
  socket: WebSocket
  inbox: Inbox
  peer: Address
  remoteAddress: string
  handlers: Handlers
  log: Log
}): Link {
  const { socket, inbox, peer, remoteAddress, handlers, log } = options
  const open = new Map<number, (verdict: Verdict<{ value: never }>) => void>()
  let nextId = 1
  let allowance = requestsPerSecond
  let alive = true

  const send = (data: string | Buffer) => {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > maxBacklogBytes) {
      log.warn('cut off a peer that does not read', { peer, waitingBytes: socket.bufferedAmount })
      socket.terminate()
      return
    }
    socket.send(data)
  }

  const heartbeat = setInterval(() => {
    if (!alive) return socket.terminate()
    alive = false
    socket.ping()
  }, pingEveryMs)
  const refill = setInterval(() => {
    allowance = requestsPerSecond
  }, 1_000)
  heartbeat.unref()
  refill.unref()
  socket.on('pong', () => {
    alive = true
  })

  const closed = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => {
      clearInterval(heartbeat)
      clearInterval(refill)
      for (const [, answer] of open) answer(refuse({ code: 'peer-gone', type: 'request' }))
      open.clear()
      resolve(closeReason(code, reason.toString()))
    })
  })

  const link: Link = {
    peer,
    remoteAddress,
    closed,
    request(type, params, timeoutMs = answerTimeoutMs) {
      if (socket.readyState !== socket.OPEN) return Promise.resolve(refuse({ code: 'peer-gone', type }))
      const id = nextId++
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          open.delete(id)
          resolve(refuse({ code: 'peer-silent', type, timeoutMs }))
        }, timeoutMs)
        open.set(id, (verdict) => {
          clearTimeout(timer)
          resolve(checkedAnswer(type, verdict))
        })
        send(encodeMessage({ id, type, ...params }))
      })
    },
    notify: (type, body) => send(encodeMessage({ type, ...body })),
    sendFrame: send,
    close: () => socket.close(1000),
  }

  inbox.drainTo((frame: Frame) => {
    alive = true
    if (frame.binary) {
      const refusal = handlers.frame
        ? handlers.frame(frame.data, link)
        : ({ code: 'malformed-frame', kind: frame.data[0] ?? 0, length: frame.data.length } as const)
      if (refusal) {
        log.warn('closed a connection', { peer, code: refusal.code })
        socket.close(1008, refusal.code)
      }
      return
    }
    void receiveText(frame.data.toString('utf8')).catch((error) => {
      log.error('a message could not be handled', { peer, error: (error as Error).stack })
      socket.close(1011, 'internal error')
    })
  })

  async function receiveText(text: string): Promise<void> {
    let message: Record<string, unknown>
    try {
      message = JSON.parse(text)
      if (typeof message !== 'object' || message === null || Array.isArray(message))
        throw new Error('no object')
    } catch {
      return answer(undefined, refuse({ code: 'not-json', seen: text.slice(0, 20) }))
    }
    const { id, type } = message
    if (typeof id === 'number' && type === undefined) return settle(id, message)
    if (typeof type !== 'string')
      return answer(id, refuse({ code: 'unknown-message', type: String(type).slice(0, 40) }))
    if (Object.hasOwn(notices, type) && id === undefined) return receiveNotice(type as NoticeType, message)
    const handler = Object.hasOwn(requests, type) ? handlers.requests?.[type as RequestType] : undefined
    if (!handler) return answer(id, refuse({ code: 'unknown-message', type: type.slice(0, 40) }))
    if (allowance-- <= 0)
      return answer(id, refuse({ code: 'too-many-requests', perSecond: requestsPerSecond }))
    const params = requests[type as RequestType].params.safeParse(message)
    if (!params.success)
      return answer(id, refuse({ code: 'malformed-message', type, problem: problemOf(params.error) }))
    answer(
      id,
      await (handler as (params: unknown, link: Link) => Promise<Verdict<{ value: object }>>)(
        params.data,
        link,
      ),
    )
  }

  function receiveNotice(type: NoticeType, message: object): void {
    const body = notices[type].safeParse(message)
    if (!body.success) {
      answer(undefined, refuse({ code: 'malformed-message', type, problem: problemOf(body.error) }))
      return
    }
    ;(handlers.notices?.[type] as ((body: unknown, link: Link) => void) | undefined)?.(body.data, link)
  }

  function answer(id: unknown, verdict: Verdict<{ value: object }>): void {
    const reply = verdict.ok
      ? { id, ok: true, ...verdict.value }
      : { id: id ?? null, ok: false, code: verdict.refusal.code, message: explain(verdict.refusal) }
    send(encodeMessage(reply))
  }

  function settle(id: number, message: Record<string, unknown>): void {
    const waiting = open.get(id)
    open.delete(id)
    if (message.ok === true) waiting?.({ ok: true, value: message as never })
    else
      waiting?.(
        refuse({
          code: 'peer-refused',
          peerCode: String(message.code),
          message: String(message.message).slice(0, 1_024),
        }),
      )
  }

  return link
}

function checkedAnswer<Type extends RequestType>(
  type: Type,
  verdict: Verdict<{ value: unknown }>,
): Verdict<{ value: Result<Type> }> {
  if (!verdict.ok) return verdict
  const parsed = requests[type].result.safeParse(verdict.value)
  if (!parsed.success)
    return refuse({ code: 'malformed-message', type: `answer to ${type}`, problem: problemOf(parsed.error) })
  return { ok: true, value: parsed.data as Result<Type> }
}

function closeReason(code: number, reason: string): string {
  if (code === 1000 || code === 1005) return 'The other side closed the connection.'
  if (code === 1006) return 'The connection broke.'
  if (code === 1009) return `A frame was larger than ${maxFrameBytes} bytes; send smaller ones.`
  return `The connection was closed: ${reason || code}.`
}
