import { uptime } from 'node:os'
import { type Clock, type UnixSeconds, unixSeconds } from '@pontage/shared'

/** By what the days and months of limits are counted. */
export interface Calendar {
  /** Seconds since 1970. */
  now(): UnixSeconds
  /** Takes the clock as it is now: called when the chain says the same. */
  agree(): void
}

/**
 * What the clock said when it last agreed with the chain, and what passed since, also while the machine slept. Whoever sets the clock
 * meanwhile begins no month by that: it may be the provider, which carries the questions for the time.
 *
 * @param passedSeconds - Only ever grows.
 */
export function createCalendar(clock: Pick<Clock, 'now'>, passedSeconds: () => number = uptime): Calendar {
  let agreed: number
  const agree = () => {
    agreed = clock.now() - passedSeconds()
  }
  agree()
  return { agree, now: () => unixSeconds(Math.round(agreed + passedSeconds())) }
}
