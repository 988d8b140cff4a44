import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Refusal } from '../../refusal.js'
import { malformed } from './answering.js'
import { Bursts } from './bursts.js'
import type { Link } from './link.js'
import { PacketFlow } from './packetFlow.js'
import {
  decodeArrived,
  decodePackets,
  encodeArrived,
  maxPacketFrameBytes,
  PacketFrame,
} from './packetFrame.js'
import { frameKind } from './promiseFrame.js'

const loopback = '127.0.0.1'
/** What waits in this process beyond this is not added to, whatever the other end says has arrived. */
const maxBacklogBytes = 524_288
/** What has arrived is said this often at most. */
const sayArrivedEveryMs = 5
/**
 * By the kernel's count, which is two thirds more than what is carried: some 30 ms at the fastest, and at usual speeds what comes
 * while this process waits for its turn. What is larger fills, and makes everything late.
 */
const socketBufferBytes = 2_097_152

/**
 * Carries the datagrams of a WireGuard on this machine over a link, and those that come over it back to it: WireGuard
 * speaks to a socket on the loopback. What neither takes is dropped, as on any line.
 */
export interface PacketRelay {
  /** Where on the loopback WireGuard's packets are taken. */
  readonly port: number
  /** Whose packets are taken, by its port on the loopback: nobody else's. */
  face(port: number): Promise<void>
  /** Takes what comes over this link from now on, and nothing else. */
  use(link: Link): void
  /** The other end of that link takes packets by now: sends them. */
  begin(): void
  /** A frame of packetFrame.ts came over a link. @returns A refusal to close it with. */
  take(frame: Buffer, link: Link): Refusal | undefined
  close(): void
}

/**
 * Opens a relay; it carries once it faces somebody and has a link.
 *
 * @param address - The relay's own on the loopback, from 127.0.0.0/8.
 */
export async function openRelay(address = loopback): Promise<PacketRelay> {
  const socket = createSocket('udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  enlarge(socket)
  const bursts = new Bursts(socket)
  let connection: Connection | undefined
  let isFacing = false
  // Nobody listens there yet, or any more: what was sent is lost, as on any line.
  socket.on('error', () => {})
  socket.on('message', (packet) => {
    if (isFacing) connection?.send(packet)
  })
  return {
    port: socket.address().port,
    async face(port) {
      if (isFacing) socket.disconnect()
      isFacing = false
      socket.connect(port, loopback)
      await once(socket, 'connect')
      isFacing = true
    },
    use(link) {
      connection?.close()
      connection = new Connection(link)
    },
    begin() {
      if (connection) connection.isBegun = true
    },
    take(frame, link) {
      // From one that has been replaced nothing counts any more.
      if (connection?.link !== link) return undefined
      if (frame[0] === frameKind.arrived) {
        const count = decodeArrived(frame)
        return count !== undefined && connection.arrived(count) ? undefined : malformed(frame)
      }
      const packets = decodePackets(frame)
      if (packets === undefined) return malformed(frame)
      connection.received()
      if (isFacing) bursts.send(packets)
      return undefined
    },
    close() {
      connection?.close()
      connection = undefined
      isFacing = false
      socket.close()
    },
  }
}

/** A burst of a whole frame fits; where the system allows less, it takes what there is. */
function enlarge(socket: Socket): void {
  for (const set of [socket.setRecvBufferSize, socket.setSendBufferSize])
    try {
      set.call(socket, socketBufferBytes)
    } catch {
      // The usual size works, too.
    }
}

/** Frames that were sent, to be filled again by whoever sends next; more are not kept. */
const free: PacketFrame[] = []
const maxFree = 32
/** Of one link, so many may wait until they are sent; what waits beyond them gets memory of its own size, however small it is. */
const maxUnsent = Math.floor(maxBacklogBytes / maxPacketFrameBytes)

function release(frame: PacketFrame): void {
  frame.clear()
  if (free.length < maxFree) free.push(frame)
}

/** What is on its way over one link. */
class Connection {
  readonly #flow = new PacketFlow()
  /** What has come in this turn of the event loop. */
  #filling: PacketFrame | undefined
  #unsent = 0
  #received = 0
  #isSaying = false
  #isClosed = false
  #pause: NodeJS.Timeout | undefined
  isBegun = false

  constructor(readonly link: Link) {}

  /** Joins what comes in the same turn of the event loop into frames. */
  send(packet: Buffer): void {
    if (!this.isBegun) return
    if (this.#filling?.add(packet)) return
    this.#flush()
    this.#filling = free.pop() ?? new PacketFrame()
    // One that is too large for any frame is none of WireGuard's.
    this.#filling.add(packet)
    setImmediate(() => this.#flush())
  }

  arrived(count: number): boolean {
    return this.#flow.arrived(count, performance.now())
  }

  /** Says so in the same turn, since on a busy machine the next one may come late; then not for a while. */
  received(): void {
    this.#received = (this.#received + 1) % 2 ** 32
    if (this.#isSaying) return
    this.#isSaying = true
    if (this.#pause === undefined) setImmediate(() => this.#say())
  }

  #say(): void {
    this.#isSaying = false
    if (this.#isClosed) return
    this.link.sendFrame(encodeArrived(this.#received))
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      if (this.#isSaying) this.#say()
    }, sayArrivedEveryMs)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#pause)
    this.#filling = undefined
  }

  #flush(): void {
    const frame = this.#filling
    if (frame === undefined) return
    this.#filling = undefined
    const now = performance.now()
    const dropped = this.link.backlogBytes > maxBacklogBytes ? 'all' : this.#flow.drops(now)
    if (dropped === 'one packet') frame.dropLast()
    if (dropped === 'all' || frame.isEmpty) {
      release(frame)
      return
    }
    this.#flow.sent(now)
    if (this.#unsent === maxUnsent) {
      this.link.sendFrame(Buffer.from(frame.bytes))
      release(frame)
      return
    }
    this.#unsent += 1
    this.link.sendFrame(frame.bytes, () => {
      this.#unsent -= 1
      release(frame)
    })
  }
}
