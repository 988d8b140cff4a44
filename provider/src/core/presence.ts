/** What is remembered of a consumer from one look to the next. */
export interface Presence {
  readonly receivedBytes: bigint
  /** Milliseconds that passed until something was known to have come from it; a clock that is set counts for nothing. */
  readonly heardAtMs: number
}

/**
 * Advances by one look. A consumer sends something each 25 seconds, if only a keepalive, and each greeting counts, too.
 *
 * @param receivedBytes - What WireGuard received from it; zero where it knows of no such peer.
 * @param atMs - Milliseconds that passed until this look. Whoever was never heard of counts from the first one on.
 */
export function look(before: Presence | undefined, receivedBytes: bigint, atMs: number): Presence {
  // Counted from zero again where the peer was made anew.
  const isHeard = before === undefined || (receivedBytes !== before.receivedBytes && receivedBytes > 0n)
  return { receivedBytes, heardAtMs: isHeard ? atMs : before.heardAtMs }
}
