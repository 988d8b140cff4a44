/** Packets counted beyond the provider's own machine: without questions for names, which it answers itself. */
export interface Beyond {
  readonly sent: bigint
  readonly received: bigint
}

/** What is remembered from one look to the next. */
export interface Delivery extends Beyond {
  /** When something arrived last, or was first sent after that. */
  readonly sinceMs: number
  /** Sent by then. */
  readonly sentThen: bigint
}

/** A program that tries a dead host sends a packet now and then; a machine that gets nothing at all sends many. */
const suspectPackets = 6n
const suspectAfterMs = 3_000

/** Nothing sent, nothing missed. */
export const beginDelivery = (beyond: Beyond, atMs: number): Delivery => ({
  ...beyond,
  sinceMs: atMs,
  sentThen: beyond.sent,
})

/**
 * Advances by one look. Pure.
 *
 * @returns Whether so much went out for so long with nothing coming back that the provider may not deliver at all.
 */
export function watchReturns(
  before: Delivery,
  beyond: Beyond,
  atMs: number,
): { delivery: Delivery; isSuspect: boolean } {
  if (beyond.received !== before.received) return { delivery: beginDelivery(beyond, atMs), isSuspect: false }
  // The first packets after a silence: from here on an answer is waited for.
  if (before.sent === before.sentThen)
    return { delivery: { ...before, ...beyond, sinceMs: Math.max(atMs, before.sinceMs) }, isSuspect: false }
  const isSuspect = beyond.sent - before.sentThen >= suspectPackets && atMs - before.sinceMs >= suspectAfterMs
  return { delivery: { ...before, ...beyond }, isSuspect }
}
