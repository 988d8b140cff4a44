import { type Bytes, type Wei, wei } from '@pontage/shared'
import type { Left } from './limits.js'

/** How far something that is limited has been used up. */
export interface Allowance<Amount extends bigint = bigint> {
  readonly used: Amount
  readonly left: Amount
}

/** What limits a connection: the strictest cap, the strictest budget, and the money in its channel. */
export interface Allowances {
  readonly cap: Allowance<Bytes> | undefined
  readonly budget: Allowance<Wei> | undefined
  readonly channel: Allowance<Wei>
}

/**
 * How far the limits of a connection have been used up.
 *
 * @param atStart.left - What cap and budget had left when this session began.
 * @param atStart.channel - What the channel had free then.
 * @param session - Used in this session.
 * @param before - Used in the earlier sessions of the same connection, which `atStart` has taken off already.
 */
export function allowancesOf(
  atStart: { readonly left: Left; readonly channel: Wei },
  session: { readonly bytes: Bytes; readonly spent: Wei },
  before: { readonly bytes: Bytes; readonly spent: Wei },
): Allowances {
  const { left, channel } = atStart
  const rest = (of: bigint, taken: bigint) => (of > taken ? of - taken : 0n)
  const spent = wei(before.spent + session.spent)
  return {
    cap:
      left.cap === undefined
        ? undefined
        : { used: (before.bytes + session.bytes) as Bytes, left: rest(left.cap, session.bytes) as Bytes },
    budget:
      left.budget === undefined ? undefined : { used: spent, left: wei(rest(left.budget, session.spent)) },
    channel: { used: spent, left: wei(rest(channel, session.spent)) },
  }
}

/** Whether four fifths are used: time to say so. */
export const isNearlyUsed = ({ used, left }: Allowance): boolean => used > 0n && used >= left * 4n
