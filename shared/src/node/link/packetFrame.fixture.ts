import { PacketFrame, shortestPacketBytes } from './packetFrame.js'

/** A frame of these packets, which it has room for. */
export function encodePackets(packets: readonly Uint8Array[]): Buffer {
  const frame = new PacketFrame()
  for (const packet of packets) frame.add(packet)
  return frame.bytes
}

/** A packet as short as WireGuard's shortest that says this. */
export const saying = (text: string): Buffer => Buffer.from(text.padEnd(shortestPacketBytes))
