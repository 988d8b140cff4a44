import { type Address, freshnessSeconds, type Wei, wei } from '@pontage/shared'

/** A hub promise that was held when the chain stood at a block, or earlier. */
interface Mark {
  readonly total: Wei
  readonly blockNumber: number
  readonly at: number
}

/** Marks kept of a hub that publishes nothing for long. */
const marksKept = 5_000

/**
 * Remembers since when a hub's promise has been as high as it is, by the chain's own clock: what was promised well
 * before a block must be in what the hub says it owes at that block.
 */
export class HeldTotals {
  readonly #marks = new Map<Address, Mark[]>()

  /** Notes a total that was read before the block was. */
  note(hub: Address, total: Wei, block: { readonly number: number; readonly at: number }): void {
    const marks = this.#marks.get(hub) ?? []
    if ((marks.at(-1)?.total ?? wei(0n)) < total)
      marks.push({ total, blockNumber: block.number, at: block.at })
    this.#marks.set(hub, marks.slice(-marksKept))
  }

  /**
   * The total that was held for certain when a block was made. Our node may lag behind the hub's, so what came
   * within a minute of it does not count yet.
   */
  before(hub: Address, block: { readonly number: number; readonly at: number }): Wei {
    const sure = (this.#marks.get(hub) ?? []).filter(
      ({ blockNumber, at }) => blockNumber < block.number && at + freshnessSeconds <= block.at,
    )
    return sure.at(-1)?.total ?? wei(0n)
  }
}

/** What a hub anchored on chain of all it owes. */
export interface Anchored {
  readonly hub: Address
  readonly root: string
  readonly sum: bigint
  readonly pool: bigint
  readonly blockNumber: number
}

/** What it then showed us of it. */
export interface Shown {
  readonly liabilities: Anchored
  /** Whether the hub signed that, and the proof leads from our leaf to root and sum. */
  readonly isSigned: boolean
  readonly isProved: boolean
  /** Undefined when it says that we have none. */
  readonly leaf: { readonly provider: Address; readonly total: Wei; readonly outstanding: Wei } | undefined
}

/**
 * Looks for a lie in what a hub says it owes us.
 *
 * @param held - Its promise that we had for certain before the block.
 * @param paid - What the chain had paid us at the block.
 * @returns What is wrong, as the end of a sentence; undefined when nothing is.
 */
export function lieIn(
  anchored: Anchored,
  shown: Shown,
  ours: { readonly provider: Address; readonly held: Wei; readonly paid: Wei },
): string | undefined {
  const { liabilities, leaf } = shown
  const differs = (['hub', 'root', 'sum', 'pool', 'blockNumber'] as const).find(
    (field) => liabilities[field] !== anchored[field],
  )
  if (differs !== undefined)
    return `it anchored ${differs} ${anchored[differs]} on chain but showed ${liabilities[differs]}`
  if (!shown.isSigned) return 'it did not sign what it showed'
  const { provider, held, paid } = ours
  if (leaf === undefined)
    return held > paid
      ? `it omitted what it owes us: it promised ${held} wei, of which ${paid} wei was paid`
      : undefined
  if (leaf.provider !== provider) return `it showed the leaf of ${leaf.provider}`
  if (!shown.isProved) return 'what it showed does not lead to the root it anchored'
  if (leaf.total < held) return `it counts only ${leaf.total} wei of the ${held} wei it promised`
  const least = leaf.total > paid ? leaf.total - paid : 0n
  if (leaf.outstanding < least)
    return `it says that ${leaf.outstanding} wei is outstanding, but it is at least ${least} wei`
  return undefined
}
