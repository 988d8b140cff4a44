import { type Wei, wei } from '@pontage/shared'

/** When a channel is refilled by itself while it is used, and how far. */
export interface TopUpRule {
  /** Added each time. */
  readonly amount: Wei
  /** Added when less than this is left beyond what was promised. */
  readonly below: Wei
  /** The most in a calendar month (UTC), over all channels. */
  readonly perMonth: Wei
}

/** What to do with a channel that has so much left. */
export type Refill = 'enough' | 'add' | 'limit'

/**
 * Whether a channel is refilled now.
 *
 * @param free - What it holds beyond everything that was promised from it.
 * @param added - What was added this month by itself already.
 */
export function refillOf(rule: TopUpRule, free: Wei, added: Wei): Refill {
  if (free >= rule.below) return 'enough'
  return added + rule.amount > rule.perMonth ? 'limit' : 'add'
}

/** What may still be added this month: whole top-ups only. */
export const refillsLeft = ({ amount, perMonth }: TopUpRule, added: Wei): Wei =>
  wei(added >= perMonth ? 0n : ((perMonth - added) / amount) * amount)
