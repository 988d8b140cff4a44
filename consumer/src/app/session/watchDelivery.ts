import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '@pontage/shared'
import { beginDelivery, watchReturns } from '../../core/delivery.js'
import type { Meter } from '../../io/kernel/meter.js'
import type { SessionLoop } from './sessionLoop.js'

const lookEveryMs = 1_000
/** A provider that turned out to deliver is not suspected again at once. */
const trustForMs = 30_000

/**
 * Ends the session with a provider that takes what is sent and delivers nothing of it. What its own traffic makes look so is
 * tried first: a host that does not answer says nothing about the provider.
 *
 * @param delivers - Tries whether anything can be reached through the tunnel; undefined where that cannot be told.
 */
export async function watchDelivery(
  clock: Clock,
  meter: Pick<Meter, 'read'>,
  loop: SessionLoop,
  delivers: () => Promise<boolean | undefined>,
  gone: AbortSignal,
): Promise<void> {
  const look = async () => (await meter.read()).beyond
  let delivery = beginDelivery(await look(), clock.elapsedMs())
  while (loop.isOpen) {
    await delay(lookEveryMs, undefined, { signal: gone }).catch(() => undefined)
    if (!loop.isOpen) return
    const { phase, attached } = loop.session
    const now = await look()
    const next = watchReturns(delivery, now, clock.elapsedMs())
    delivery = next.delivery
    // One that waits for payment, or is out of reach, is another matter.
    if (phase !== 'running' || !attached) delivery = beginDelivery(now, clock.elapsedMs())
    else if (next.isSuspect) {
      const isFound = await delivers()
      const after = await look()
      if (isFound === false && after.received === now.received)
        return loop.dispatch({ type: 'stop', reason: 'undelivered' })
      delivery = beginDelivery(after, clock.elapsedMs() + trustForMs)
    }
  }
}
