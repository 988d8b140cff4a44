import { refuse, type Verdict } from '../../refusal.js'
import type { UnixSeconds } from '../../units.js'
import type { Block } from './block.js'
import type { Chain } from './chain.js'
import { aheadSeconds } from './heads.js'

/**
 * Seconds between the clock and when the newest block was made, where that is too much: too long ago, or still to come;
 * 0 while it is fresh. A node can answer every question and stand still, so that whether it answers says nothing.
 */
export function staleSeconds(
  { maxHeadAgeSeconds }: Pick<Chain, 'maxHeadAgeSeconds'>,
  head: Pick<Block, 'at'>,
  now: UnixSeconds,
): number {
  const age = now - head.at
  const isAhead = Number.isFinite(maxHeadAgeSeconds) && -age > aheadSeconds
  return age > maxHeadAgeSeconds || isAhead ? Math.abs(age) : 0
}

/** Refuses with `chain-unseen` to rely on a newest block that is too old, or from the future. */
export function judgeHead(
  chain: Pick<Chain, 'maxHeadAgeSeconds'>,
  head: Pick<Block, 'at'>,
  now: UnixSeconds,
): Verdict {
  const seconds = staleSeconds(chain, head, now)
  return seconds === 0 ? { ok: true } : refuse({ code: 'chain-unseen', seconds })
}
