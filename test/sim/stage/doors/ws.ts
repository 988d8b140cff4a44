import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { machineAt } from '../../kernel/kernel.js'
import { Stream, theNetwork } from '../../network/network.js'
import { type Process, timeline } from '../timeline.js'
import type { Server } from './http.js'
import { serverAt } from './http.js'
import { Socket } from './net.js'
import { TLSSocket } from './tls.js'

const connecting = 0
const openState = 1
const closing = 2
const closedState = 3

/** One end of a websocket between two machines of the simulation. */
export class WebSocket extends EventEmitter {
  readonly OPEN = openState
  readyState = connecting
  bufferedAmount = 0
  #owner: Process
  #out: Stream | undefined
  #peer: WebSocket | undefined
  /** Pieces of a message whose last is still to come, as they were sent and as they arrived. */
  #sent: Buffer[] = []
  #arrived: Buffer[] = []

  constructor(url?: string, options: { handshakeTimeout?: number } = {}) {
    super()
    this.#owner = timeline().process
    if (url !== undefined) this.#dial(new URL(url), options.handshakeTimeout ?? 10_000)
  }

  #dial(url: URL, timeoutMs: number): void {
    const time = timeline()
    const network = theNetwork()
    const owner = this.#owner
    const fail = (reason: string) => {
      if (this.readyState !== connecting) return
      this.readyState = closedState
      this.emit('error', new Error(reason))
      this.emit('close', 1006, Buffer.alloc(0))
    }
    const giveUp = time.plan(timeoutMs, () => fail('Opening handshake has timed out'))
    const machine = machineAt(url.hostname, owner.name)
    // Nothing answers at the far end of a tunnel that does not stand.
    if (machine === undefined || network.isCut(owner.name, machine)) return
    const server = serverAt(machine, Number(url.port))
    time.plan(
      network.delayMs(),
      () => {
        if (!server?.isListening || !server.owner.isAlive) {
          giveUp.cancel()
          // Whoever dialled hears of it, and goes on as itself.
          time.plan(network.delayMs(), () => fail('connect ECONNREFUSED'), owner)
          return
        }
        time.as(server.owner, () => this.#meet(server, url, () => giveUp.cancel()))
      },
      time.world,
    )
  }

  /** The server's machine takes the connection. */
  #meet(server: Server, url: URL, arrived: () => void): void {
    const time = timeline()
    const network = theNetwork()
    const other = new WebSocket()
    const from = server.presented
      ? new TLSSocket(this.#owner.name, server.presented)
      : new Socket(this.#owner.name)
    let isRefused = false
    from.destroy = () => {
      isRefused = true
      from.emit('close')
      return from
    }
    server.emit('connection', from)
    const refuse = () => {
      time.plan(
        network.delayMs(),
        () => {
          arrived()
          this.readyState = closedState
          this.emit('error', new Error('socket hang up'))
          this.emit('close', 1006, Buffer.alloc(0))
        },
        this.#owner,
      )
    }
    if (isRefused) {
      refuse()
      return
    }
    from.upgrade = () => {
      join(this, this.#owner, other, server.owner)
      other.on('close', () => from.emit('close'))
      other.readyState = openState
      return other
    }
    const headers = {
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': `${'A'.repeat(22)}==`,
    }
    server.emit('upgrade', { socket: from, url: url.pathname, method: 'GET', headers }, from, Buffer.alloc(0))
    if (other.readyState !== openState) {
      refuse()
      return
    }
    other.#out?.send(() => {
      arrived()
      this.readyState = openState
      const socket = server.presented ? new TLSSocket(server.host, server.presented) : new Socket(server.host)
      this.emit('upgrade', { socket })
      this.emit('open')
    })
  }

  link(peer: WebSocket, owner: Process, other: Process): void {
    this.#peer = peer
    this.#owner = owner
    this.#out = new Stream(theNetwork(), owner, other, () => this.gone(1006))
    owner.atDeath.add(() => {
      this.readyState = closedState
      // The machine's kernel takes leave for a program that died.
      timeline().as(timeline().world, () => this.#out?.send(() => peer.gone(1006)))
    })
  }

  send(
    data: string | Buffer,
    { binary: isBinary = typeof data !== 'string', fin = true }: { binary?: boolean; fin?: boolean } = {},
    taken?: () => void,
  ): void {
    const copy = Buffer.from(data)
    this.#sent.push(copy)
    if (fin) tap?.(this.#owner, Buffer.concat(this.#sent.splice(0)), isBinary)
    timeline().trace.note(`sends ${digestOf(copy)}`)
    const peer = this.#peer
    this.#out?.send(() => peer?.receive(copy, isBinary, fin))
    if (taken) timeline().plan(0, taken, this.#owner)
  }

  receive(piece: Buffer, isBinary: boolean, isLast: boolean): void {
    if (this.readyState === closedState) return
    this.#arrived.push(piece)
    if (isLast) this.emit('message', Buffer.concat(this.#arrived.splice(0)), isBinary)
  }

  ping(): void {
    const peer = this.#peer
    this.#out?.send(() => {
      if (peer?.readyState === openState) peer.#out?.send(() => this.emit('pong'))
    })
  }

  pong(): void {}

  close(code = 1005, reason = ''): void {
    if (this.readyState === closedState || this.readyState === closing) return
    if (this.readyState === connecting) {
      this.gone(1006)
      return
    }
    this.readyState = closing
    const peer = this.#peer
    this.#out?.send(() => {
      if (!peer || peer.readyState === closedState) return
      peer.#out?.send(() => this.gone(code, reason))
      peer.gone(code, reason)
    })
  }

  terminate(): void {
    if (this.readyState === closedState) return
    const peer = this.#peer
    this.#out?.send(() => peer?.gone(1006))
    this.gone(1006)
  }

  gone(code: number, reason = ''): void {
    if (this.readyState === closedState) return
    this.readyState = closedState
    this.emit('close', code, Buffer.from(reason))
  }
}

function join(one: WebSocket, owner: Process, other: WebSocket, otherOwner: Process): void {
  one.link(other, owner, otherOwner)
  other.link(one, otherOwner, owner)
}

const digestOf = (data: Buffer): string => createHash('sha256').update(data).digest('hex').slice(0, 16)

let tap: ((from: Process, data: Buffer, isBinary: boolean) => void) | undefined

/** Has everything that any program sends read by the judge. */
export function listenIn(reader: typeof tap): void {
  tap = reader
}

/** Takes the connections of a server. */
export class WebSocketServer extends EventEmitter {
  readonly clients = new Set<WebSocket>()
  #isClosed = false

  handleUpgrade(_request: unknown, from: Socket, _head: Buffer, done: (socket: WebSocket) => void): void {
    if (this.#isClosed) return
    const socket = from.upgrade?.() as WebSocket
    this.clients.add(socket)
    socket.on('close', () => this.clients.delete(socket))
    done(socket)
  }

  close(): void {
    this.#isClosed = true
  }
}
