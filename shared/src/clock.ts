import { type UnixSeconds, unixSeconds } from './units.js'

/** The machine's time, for sockets; expiry of promises goes by the chain's blocks instead. */
export interface Clock {
  /** Seconds since 1970. */
  now(): UnixSeconds
  /** Milliseconds that only ever grow. */
  elapsedMs(): number
}

export const systemClock: Clock = {
  now: () => unixSeconds(Math.floor(Date.now() / 1_000)),
  elapsedMs: () => performance.now(),
}
