import { frameKind } from './promiseFrame.js'

/** A frame of packets is no larger: what a turn of the event loop brings, and little enough to be passed on at once. */
export const maxPacketFrameBytes = 60_000
/**
 * WireGuard's shortest: one that keeps a tunnel alive, all header and tag. Each is a call of the kernel, so a frame of shorter ones
 * would keep a program from everybody else's for a tenth of a second.
 */
export const shortestPacketBytes = 32
const lengthBytes = 2
const arrivedFrameBytes = 1 + 4

/**
 * A frame that is being filled: `kind ‖ (length ‖ packet) …`, lengths of two bytes, big-endian. It can be filled again once it was
 * sent: memory that is given up for each frame makes the whole program slower than the carrying itself.
 */
export class PacketFrame {
  readonly #memory = Buffer.allocUnsafeSlow(maxPacketFrameBytes)
  #end = 1
  /** Where the last packet begins. */
  #last = 1

  constructor() {
    this.#memory[0] = frameKind.packets
  }

  get isEmpty(): boolean {
    return this.#end === 1
  }

  /** Adds a packet. @returns Whether there was room for it. */
  add(packet: Uint8Array): boolean {
    if (this.#end + lengthBytes + packet.length > maxPacketFrameBytes) return false
    this.#last = this.#end
    this.#memory.set(packet, this.#memory.writeUInt16BE(packet.length, this.#end))
    this.#end += lengthBytes + packet.length
    return true
  }

  /** Takes the packet out again that was added last; the one before stays. */
  dropLast(): void {
    this.#end = this.#last
  }

  clear(): void {
    this.#end = 1
    this.#last = 1
  }

  /** What it holds, in its own memory. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#end)
  }
}

/** The packets of a frame, which share its memory; undefined when it is not made of whole packets of WireGuard's. */
export function decodePackets(frame: Buffer): Buffer[] | undefined {
  if (frame[0] !== frameKind.packets || frame.length > maxPacketFrameBytes) return undefined
  const packets: Buffer[] = []
  let at = 1
  while (at < frame.length) {
    if (at + lengthBytes > frame.length) return undefined
    const size = frame.readUInt16BE(at)
    const end = at + lengthBytes + size
    if (end > frame.length || size < shortestPacketBytes) return undefined
    packets.push(frame.subarray(at + lengthBytes, end))
    at = end
  }
  return packets
}

/** Lays out `kind ‖ count`: how many frames of packets have arrived on this connection, of 32 bits, big-endian. */
export function encodeArrived(count: number): Buffer {
  const frame = Buffer.allocUnsafe(arrivedFrameBytes)
  frame[0] = frameKind.arrived
  frame.writeUInt32BE(count % 2 ** 32, 1)
  return frame
}

/** Undefined when the frame is not such a count. */
export const decodeArrived = (frame: Buffer): number | undefined =>
  frame.length === arrivedFrameBytes && frame[0] === frameKind.arrived ? frame.readUInt32BE(1) : undefined
