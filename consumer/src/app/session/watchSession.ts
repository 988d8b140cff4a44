import { setTimeout as delay } from 'node:timers/promises'
import { bytes, type Clock, type Notice, SerialQueue } from '@pontage/shared'
import type { Left } from '../../core/limits.js'
import { lookAgainAfterMs } from '../../core/pace.js'
import type { SessionEvent } from '../../core/session.js'
import type { Meter } from '../../io/kernel/meter.js'
import type { SessionLoop } from './sessionLoop.js'

const checkHealthEveryMs = 2_000

/** Sessions under the limits of one month: what one is about to sign is not there for the next. */
const turns = new SerialQueue()

/** The limits that all sessions of a user use up together, as one of them sees them. */
export interface LimitsOfAll {
  /** What is left by now; nothing in it: there are no such limits, and nobody waits for anybody. */
  readonly left: () => Left
  /** Writes down what flowed in this session, so that it is left for no other. */
  readonly write: () => Promise<void>
}

/** Tells a session what is left for it and all others of its user, and then what was counted, before any other is told. */
export function tellCount(
  loop: SessionLoop,
  { left, write }: LimitsOfAll,
  count: SessionEvent,
): Promise<void> {
  const { cap, budget } = left()
  if (cap === undefined && budget === undefined) return loop.dispatch(count)
  return turns.run(async () => {
    await loop.dispatch({ type: 'left', ...left() })
    await loop.dispatch(count)
    await write()
  })
}

/** Looks at the kernel's counters, and tells the session what they say. @returns Bytes so far, and when. */
export async function look(
  clock: Clock,
  meter: Pick<Meter, 'read'>,
  loop: SessionLoop,
  limits: LimitsOfAll,
): Promise<{ total: bigint; atMs: number }> {
  const reading = await meter.read()
  const atMs = clock.elapsedMs()
  const { downBytes, upBytes, limitReached } = reading
  await tellCount(loop, limits, { type: 'counted', count: reading, atMs, limitReached })
  return { total: downBytes + upBytes, atMs }
}

/** Looks as often as the traffic needs, until the session is over. */
export async function keepCounting(
  clock: Clock,
  meter: Pick<Meter, 'read'>,
  loop: SessionLoop,
  limits: LimitsOfAll,
): Promise<void> {
  let seen = 0n
  let seenAt = clock.elapsedMs()
  let pauseMs: number | undefined
  while (loop.isOpen) {
    const { total, atMs } = await look(clock, meter, loop, limits)
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
  meter: Pick<Meter, 'read'>,
  loop: SessionLoop,
  limits: LimitsOfAll,
  theirs: Notice<'usage'>,
): Promise<void> {
  if (!loop.isOpen) return
  await look(clock, meter, loop, limits)
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
