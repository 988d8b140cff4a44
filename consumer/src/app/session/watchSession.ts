import { setTimeout as delay } from 'node:timers/promises'
import { bytes, type Clock, type Notice } from '@pontage/shared'
import { lookAgainAfterMs } from '../../core/pace.js'
import type { Meter } from '../../io/kernel/meter.js'
import type { SessionLoop } from './sessionLoop.js'

const checkHealthEveryMs = 2_000

/** Looks at the kernel's counters, and tells the session what they say. @returns Bytes so far, and when. */
export async function look(
  clock: Clock,
  meter: Meter,
  loop: SessionLoop,
): Promise<{ total: bigint; atMs: number }> {
  const reading = await meter.read()
  const atMs = clock.elapsedMs()
  const { downBytes, upBytes, limitReached } = reading
  await loop.dispatch({ type: 'counted', count: reading, atMs, limitReached })
  return { total: downBytes + upBytes, atMs }
}

/** Looks as often as the traffic needs, until the session is over. */
export async function keepCounting(clock: Clock, meter: Meter, loop: SessionLoop): Promise<void> {
  let seen = 0n
  let seenAt = clock.elapsedMs()
  let pauseMs: number | undefined
  while (loop.isOpen) {
    const { total, atMs } = await look(clock, meter, loop)
    const passed = bytes(total > seen ? total - seen : 0n)
    pauseMs = lookAgainAfterMs(passed, atMs - seenAt, loop.session.credit, pauseMs)
    await delay(pauseMs)
    seen = total
    seenAt = atMs
  }
}

/** Compares like with like: the provider's count against ours of this moment. */
export async function compare(
  clock: Clock,
  meter: Meter,
  loop: SessionLoop,
  theirs: Notice<'usage'>,
): Promise<void> {
  if (!loop.isOpen) return
  await look(clock, meter, loop)
  const { downBytes, upBytes, downPackets, upPackets } = theirs
  await loop.dispatch({ type: 'usage', downBytes, upBytes, downPackets, upPackets })
}

/** Ends the session when the tunnel is found broken. */
export async function watchHealth(
  health: () => Promise<string | undefined>,
  loop: SessionLoop,
  gone: AbortSignal,
): Promise<void> {
  while (loop.isOpen) {
    const problem = await health()
    if (problem !== undefined) await loop.dispatch({ type: 'stop', reason: 'lost', message: problem })
    else await delay(checkHealthEveryMs, undefined, { signal: gone }).catch(() => undefined)
  }
}
