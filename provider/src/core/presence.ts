/** What WireGuard knows of a consumer: when the two ends shook hands last, in Unix seconds, and bytes received since. */
export interface Heard {
  readonly handshakeAt: number | undefined
  readonly receivedBytes: bigint
}

/** What is remembered of a consumer from one look to the next. */
export interface Presence {
  readonly receivedBytes: bigint
  /** Unix seconds at which something was known to have come from it. */
  readonly heardAt: number
}

/**
 * Advances by one look. A consumer sends something each 25 seconds, if only a keepalive; hands are shaken each two
 * minutes.
 *
 * @param heard - Undefined where WireGuard knows of no such peer.
 * @param startedAt - When its session began: whoever was never heard of counts from then on.
 */
export function look(
  before: Presence | undefined,
  heard: Heard | undefined,
  { now, startedAt }: { readonly now: number; readonly startedAt: number },
): Presence {
  const receivedBytes = heard?.receivedBytes ?? 0n
  const last = before ?? { receivedBytes: 0n, heardAt: startedAt }
  // Counted from zero again where the peer was made anew.
  const isHeard = receivedBytes !== last.receivedBytes && receivedBytes > 0n
  return { receivedBytes, heardAt: isHeard ? now : Math.max(last.heardAt, heard?.handshakeAt ?? 0) }
}
