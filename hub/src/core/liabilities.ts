import { type Address, type Wei, wei } from '@pontage/shared'
import type { Account } from './solvency.js'

/** What a hub owes one provider: a leaf of the tree it publishes. */
export interface Liability {
  readonly provider: Address
  /** T: its promise. */
  readonly total: Wei
  /** T − D: what of it was not paid out yet, whether it waits in the account or the pool must advance it. */
  readonly outstanding: Wei
}

/** All promises not yet redeemed. */
export const liabilitiesOf = (accounts: readonly Account[]): readonly Liability[] =>
  accounts.flatMap(({ provider, total, paid }) =>
    total > paid ? [{ provider, total, outstanding: wei(total - paid) }] : [],
  )
