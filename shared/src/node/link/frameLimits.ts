import { maxFrameBytes } from '../../wire.js'

/**
 * What both ends of a connection let the websocket library hold of a message that is not complete. Ours are sent
 * whole; these leave room for a proxy that splits them, and for the smallest segments of TCP.
 */
export const frameLimits = {
  // It costs more processor time than the bytes are worth.
  perMessageDeflate: false,
  maxPayload: maxFrameBytes,
  maxFragments: 16,
  maxBufferedChunks: 1_024,
} as const
