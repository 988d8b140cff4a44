import { randomBytes } from 'node:crypto'
import type { WebSocket } from 'ws'
import { type Refusal, refuse } from '../../refusal.js'
import type { Address } from '../../units.js'
import { decodeObject, encodeMessage, maxFrameBytes } from '../../wire.js'
import type { Log } from '../report/log.js'
import { type Allowance, Answering, malformed } from './answering.js'
import { Asking } from './asking.js'
import { closeSoon } from './closeSoon.js'
import type { Frame, Inbox } from './inbox.js'
import type { Handlers, Link } from './link.js'
import { Outbox } from './outbox.js'
import { frameKind } from './promiseFrame.js'

/** A peer is asked this often whether it lives, and cut off when nothing came since it was asked before. */
const defaultPingEveryMs = 10_000
const answerTimeoutMs = 15_000

/** Takes over a socket after the introduction. */
export function startLink(options: {
  socket: WebSocket
  inbox: Inbox
  peer: Address
  remoteAddress: string
  handlers: Handlers
  allowance: Allowance
  maxBacklogBytes: number
  log: Log
  pingEveryMs?: number
}): Link {
  const { socket, inbox, peer, remoteAddress, handlers, allowance, maxBacklogBytes, log } = options
  const { pingEveryMs = defaultPingEveryMs } = options
  const name = randomBytes(4).toString('hex')
  const outbox = new Outbox(socket)
  let alive = true

  const send = (data: string | Buffer, sent?: () => void) => {
    if (socket.readyState !== socket.OPEN) return
    if (outbox.backlogBytes > maxBacklogBytes)
      closeWith({ code: 'slow-reader', waitingBytes: outbox.backlogBytes })
    else outbox.send(data, sent)
  }
  const closeWith = (refusal: Refusal) => {
    if (socket.readyState !== socket.OPEN) return
    log.warn('closed a connection', { link: name, peer, remoteAddress, ...refusal })
    outbox.flush()
    closeSoon(socket, refusal.code)
  }

  const heartbeat = setInterval(() => {
    if (!alive) {
      // Where we were the busy one, its answer waits to be read: that comes first.
      setImmediate(() => {
        if (!alive) socket.terminate()
      })
      return
    }
    alive = false
    socket.ping()
  }, pingEveryMs)
  heartbeat.unref()
  // The websocket library answers pings by itself; ours come seldom.
  socket.on('ping', () => answering.unasked())
  socket.on('pong', () => {
    if (alive) answering.unasked()
    alive = true
  })

  const asking = new Asking(send)
  const closed = new Promise<string>((resolve) => {
    socket.on('close', (code, reason) => {
      clearInterval(heartbeat)
      asking.end()
      log.debug('a connection ended', { link: name, peer, code })
      resolve(closeReason(code, reason.toString()))
    })
  })

  const link: Link = {
    peer,
    remoteAddress,
    closed,
    request: (type, params, timeoutMs = answerTimeoutMs) =>
      socket.readyState === socket.OPEN
        ? asking.request(type, params, timeoutMs)
        : Promise.resolve(refuse({ code: 'peer-gone', type })),
    notify: (type, body) => send(encodeMessage({ type, ...body })),
    sendFrame: send,
    get backlogBytes() {
      return outbox.backlogBytes
    },
    close: () => {
      outbox.flush()
      socket.close(1000)
    },
    terminate: () => socket.terminate(),
  }
  const answering = new Answering({ link, name, handlers, allowance, send, closeWith, log })
  log.debug('connected', { link: name, peer, remoteAddress })

  inbox.drainTo((frame: Frame) => {
    // What still comes in on its way out is nobody's any more.
    if (socket.readyState !== socket.OPEN) return
    alive = true
    void receive(frame).catch((error) => {
      log.error('a message could not be handled', { link: name, peer, error: (error as Error).stack })
      closeSoon(socket, 'internal error', 1011)
    })
  })

  async function receive({ data, binary }: Frame): Promise<void> {
    if (binary) {
      if (data[0] === frameKind.packets || data[0] === frameKind.arrived) {
        const refusal = handlers.packets ? handlers.packets(data, link) : malformed(data)
        return refusal && closeWith(refusal)
      }
      const id = data.length >= 5 ? data.readUInt32BE(1) : undefined
      if (data[0] === frameKind.cleared && id !== undefined) {
        if (!asking.awaits(id)) return answering.unasked()
        if (asking.settleCleared(data)) return
      }
      return answering.mayRead(data.length, id) ? answering.receiveFrame(data) : undefined
    }
    const seemingId = idAtFirst(data)
    const isAwaited = seemingId !== undefined && asking.awaits(seemingId)
    if (!isAwaited && !answering.mayRead(data.length, seemingId)) return
    const text = data.toString('utf8')
    const message = decodeObject(text)
    if (!message) return answering.notJson(text)
    const { id, type } = message
    if (typeof id === 'number' && type === undefined)
      return asking.awaits(id) ? asking.settle(id, message) : answering.unasked()
    return answering.receive(message)
  }

  return link
}

/** The number of a text frame as ours are written, without reading it. */
function idAtFirst(text: Buffer): number | undefined {
  const [, id] = /^\{"id":(\d{1,15})\b/.exec(text.toString('latin1', 0, 32)) ?? []
  return id === undefined ? undefined : Number(id)
}

function closeReason(code: number, reason: string): string {
  if (code === 1000 || code === 1005) return 'The other side closed the connection.'
  if (code === 1006) return 'The connection broke.'
  if (code === 1009) return `A frame was larger than ${maxFrameBytes} bytes. Send smaller ones.`
  return `The connection was closed: ${reason || code}.`
}
