import { refuse, type Verdict } from '../../refusal.js'
import type { UnixSeconds } from '../../units.js'
import type { Block, Chain } from './chain.js'

/**
 * Seconds by which the newest block is older than it may be, counted from when it was made; 0 while it is fresh. A node
 * can answer every question and stand still, so that whether it answers says nothing.
 */
export function staleSeconds(
  { maxHeadAgeSeconds }: Pick<Chain, 'maxHeadAgeSeconds'>,
  head: Pick<Block, 'at'>,
  now: UnixSeconds,
): number {
  const age = now - head.at
  return age > maxHeadAgeSeconds ? age : 0
}

/** Refuses with `chain-unseen` to rely on a newest block that is too old. */
export function judgeHead(
  chain: Pick<Chain, 'maxHeadAgeSeconds'>,
  head: Pick<Block, 'at'>,
  now: UnixSeconds,
): Verdict {
  const seconds = staleSeconds(chain, head, now)
  return seconds === 0 ? { ok: true } : refuse({ code: 'chain-unseen', seconds })
}
