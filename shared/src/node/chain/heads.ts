import type { UnixSeconds } from '../../units.js'

/** Blocks that one node may lag behind another without anybody being at fault. */
export const toleratedLag = 3
/** Seconds that the newest block may be ahead of this machine's clock, on chains that make blocks by the clock. */
export const aheadSeconds = 60
/** Seconds by which a node's newest block must be older than another's before that one's word alone outweighs it. */
const outweighedSeconds = 30

/** What one node calls the newest block. */
export interface HeadClaim {
  readonly number: number
  /** When the block was made, as the node shows it; undefined where it cannot show a block of this number. */
  readonly at: UnixSeconds | undefined
}

/** Whether the claims differ by more than nodes do that follow the same chain. */
export const differ = (numbers: readonly number[]): boolean =>
  Math.max(...numbers) - Math.min(...numbers) > toleratedLag

/** Why a claim counts for nothing, as what its node does; undefined when it may be true. */
export function notBelieved({ number, at }: HeadClaim, latest: number): string | undefined {
  if (at === undefined) return `claims block ${number} and cannot show it`
  return at > latest
    ? `claims block ${number}, which is ${at - latest} s further ahead than a clock may be`
    : undefined
}

/**
 * The height that nodes are measured by: what two of them know, or what one shows that is younger than all the others
 * have. One that merely claims more than the rest puts nobody aside: as long as their blocks are young, they may be
 * right.
 *
 * @param claims - Those that are believed.
 * @param comparesTime - Whether blocks of this chain follow the clock; where not, one node's word is enough.
 */
export function commonHeight(claims: readonly HeadClaim[], comparesTime: boolean): number {
  const [highest, second, ...rest] = [...claims].sort((a, b) => b.number - a.number)
  if (!highest || !second) return highest?.number ?? 0
  const others = [second, ...rest]
  const outweighs = others.every(
    ({ at }) => !comparesTime || (at ?? 0) + outweighedSeconds < (highest.at ?? 0),
  )
  return outweighs || highest.number - second.number <= toleratedLag ? highest.number : second.number
}
