/** Bytes that count as data: a few of WireGuard's own keepalives (32 bytes) are never answered. */
const dataBytes = 200n

/** Bytes WireGuard sent and received, its own included. */
export interface Traffic {
  readonly receivedBytes: bigint
  readonly sentBytes: bigint
}

/** What is remembered from one look at a tunnel's traffic to the next. */
export interface Hearing {
  readonly receivedBytes: bigint
  /** Sent when something was heard last. */
  readonly sentThen: bigint
  /** Since when data has been out that nothing answered. */
  readonly waitingSinceMs: number | undefined
}

export const nothingHeard: Hearing = { receivedBytes: 0n, sentThen: 0n, waitingSinceMs: undefined }

/** Advances by one look. @returns Whether data has been out for longer than `silentAfterMs`, and nothing came back. */
export function listen(
  before: Hearing,
  { receivedBytes, sentBytes }: Traffic,
  atMs: number,
  silentAfterMs: number,
): { hearing: Hearing; isSilent: boolean } {
  if (receivedBytes !== before.receivedBytes)
    return { hearing: { receivedBytes, sentThen: sentBytes, waitingSinceMs: undefined }, isSilent: false }
  if (sentBytes - before.sentThen <= dataBytes) return { hearing: before, isSilent: false }
  const waitingSinceMs = before.waitingSinceMs ?? atMs
  return { hearing: { ...before, waitingSinceMs }, isSilent: atMs - waitingSinceMs > silentAfterMs }
}
