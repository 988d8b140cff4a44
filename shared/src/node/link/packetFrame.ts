import { frameKind } from './promiseFrame.js'

/** A frame of packets is no larger: what a turn of the event loop brings, and little enough to be passed on at once. */
export const maxPacketFrameBytes = 60_000
const lengthBytes = 2
const arrivedFrameBytes = 1 + 4

/** Bytes that a packet takes in a frame. */
export const bytesInFrame = (packet: Uint8Array): number => lengthBytes + packet.length

/** Lays out `kind ‖ (length ‖ packet) …`, lengths of two bytes, big-endian. */
export function encodePackets(packets: readonly Uint8Array[]): Buffer {
  const frame = Buffer.allocUnsafe(packets.reduce((sum, packet) => sum + bytesInFrame(packet), 1))
  frame[0] = frameKind.packets
  let at = 1
  for (const packet of packets) {
    at = frame.writeUInt16BE(packet.length, at)
    frame.set(packet, at)
    at += packet.length
  }
  return frame
}

/** The packets of a frame, which share its memory; undefined when it is not made of whole packets. */
export function decodePackets(frame: Buffer): Buffer[] | undefined {
  if (frame[0] !== frameKind.packets || frame.length > maxPacketFrameBytes) return undefined
  const packets: Buffer[] = []
  let at = 1
  while (at < frame.length) {
    if (at + lengthBytes > frame.length) return undefined
    const end = at + lengthBytes + frame.readUInt16BE(at)
    if (end > frame.length || end === at + lengthBytes) return undefined
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
