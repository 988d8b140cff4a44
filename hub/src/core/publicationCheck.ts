import { type Address, type Wei, wei } from '@pontage/shared'
import type { Liability } from './liabilities.js'
import { advanceNeeded, poolFree } from './solvency.js'

/** What the chain says of one provider's account at the block of a publication. */
export interface AccountThen {
  readonly provider: Address
  readonly credited: Wei
  readonly paid: Wei
}

/**
 * Leaves whose figures the chain contradicts: what is outstanding must be what was promised less what was paid.
 *
 * @returns A sentence for each.
 */
export function contradictions(leaves: readonly Liability[], accounts: readonly AccountThen[]): string[] {
  const known = new Map(accounts.map((account) => [account.provider, account]))
  return leaves.flatMap(({ provider, total, outstanding }) => {
    const paid = known.get(provider)?.paid ?? wei(0n)
    return total - outstanding === paid
      ? []
      : [
          `${provider} was paid ${paid} wei on chain, but ${total - outstanding} wei according to the publication`,
        ]
  })
}

/** Whether what a hub owes is covered, and by what. */
export interface Cover {
  /** What the pool would have to advance if all of them redeemed now: the rest waits in accounts the hub cannot reach. */
  readonly advance: Wei
  /** What the pool can advance. */
  readonly free: Wei
  /** The hub's stake, of which half would be paid out and half burned. */
  readonly stake: Wei
  readonly by: 'pool' | 'pool and stake' | 'nothing'
}

export function coverOf(
  leaves: readonly Liability[],
  accounts: readonly AccountThen[],
  hub: { readonly balance: Wei; readonly pendingWithdrawal: Wei; readonly stake: Wei },
): Cover {
  const known = new Map(accounts.map((account) => [account.provider, account]))
  const none = { credited: wei(0n), paid: wei(0n) }
  const advance = advanceNeeded(
    leaves.map(({ provider, total }) => ({ ...(known.get(provider) ?? none), provider, total })),
  )
  const free = poolFree(hub)
  const { stake } = hub
  const by = advance <= free ? 'pool' : advance <= free + stake / 2n ? 'pool and stake' : 'nothing'
  return { advance, free, stake, by }
}
