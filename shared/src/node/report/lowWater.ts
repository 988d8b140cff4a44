import type { Clock } from '../../clock.js'

/** A warning that nobody heeded comes again. */
const warnEverySeconds = 3_600

/** Says that something is low when it becomes so, each hour while it stays so, and once when it is well again. */
export function createLowWater(
  clock: Clock,
): (isLow: boolean, warn: () => void, relieve: () => void) => void {
  let warnedAt: number | undefined
  return (isLow, warn, relieve) => {
    if (!isLow) {
      if (warnedAt !== undefined) relieve()
      warnedAt = undefined
      return
    }
    const now = clock.now()
    if (warnedAt !== undefined && now - warnedAt < warnEverySeconds) return
    warnedAt = now
    warn()
  }
}
