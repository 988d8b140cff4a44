import type { UnixSeconds } from '../../units.js'

/** A block by number and time. */
export interface Block {
  readonly number: number
  readonly at: UnixSeconds
  readonly hash: string
}
