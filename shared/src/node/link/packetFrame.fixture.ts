import { PacketFrame } from './packetFrame.js'

/** A frame of these packets, which it has room for. */
export function encodePackets(packets: readonly Uint8Array[]): Buffer {
  const frame = new PacketFrame()
  for (const packet of packets) frame.add(packet)
  return frame.bytes
}
