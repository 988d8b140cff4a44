/** A warning that nobody heeded comes again, in milliseconds. */
const againMs = 600_000
/** Things that were said and are remembered. */
const remembered = 1_000

/** Whether something is to be said now: the first time, and each ten minutes while it goes on. */
export function createRepeats(elapsedMs: () => number = () => performance.now()): (key: string) => boolean {
  const saidAt = new Map<string, number>()
  return (key) => {
    const now = elapsedMs()
    const last = saidAt.get(key)
    if (last !== undefined && now - last < againMs) return false
    if (saidAt.size >= remembered) saidAt.clear()
    saidAt.set(key, now)
    return true
  }
}
