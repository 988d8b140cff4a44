import type { WebSocket } from 'ws'

/** Milliseconds for a peer to take leave before it is cut off. */
const leaveMs = 1_000

/** Says why, and cuts off who does not take leave in time. */
export function closeSoon(socket: WebSocket, reason: string, code = 1008): void {
  socket.close(code, reason)
  const cut = setTimeout(() => socket.terminate(), leaveMs)
  cut.unref()
  socket.once('close', () => clearTimeout(cut))
}
