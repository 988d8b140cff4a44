import { type Address, larger, refuse, type Verdict, type Wei, wei } from '@pontage/shared'

/** What a hub owes one provider, and what the chain knows of it. */
export interface Account {
  readonly provider: Address
  /** T: the hub's promise. */
  readonly total: Wei
  /** C: drawn for the provider, net of fee. */
  readonly credited: Wei
  /** D: paid out to the provider. */
  readonly paid: Wei
}

/** The hub's own liquidity on the block that decisions are made on. */
export interface Pool {
  readonly balance: Wei
  readonly pendingWithdrawal: Wei
}

/** What the hub would have to advance if every provider redeemed now. */
export function advanceNeeded(accounts: readonly Account[]): Wei {
  return wei(
    accounts.reduce((sum, { total, credited, paid }) => {
      const settled = larger(credited, paid)
      return total > settled ? sum + total - settled : sum
    }, 0n),
  )
}

/** What the pool can advance: what is on its way out no longer counts. */
export const poolFree = (pool: Pool): Wei =>
  wei(pool.balance > pool.pendingWithdrawal ? pool.balance - pool.pendingWithdrawal : 0n)

/**
 * Accounts that were paid more than the hub remembers having promised or drawn. There is none, unless the ledger is
 * older than the promises that left it, or another program signs with the same key.
 */
export const forgotten = (accounts: readonly Account[]): readonly Account[] =>
  accounts.filter(({ total, credited, paid }) => paid > larger(total, credited))

/**
 * Decides whether the hub may promise what it would then owe: never more than its pool could pay at once.
 *
 * @param owed - `advanceNeeded` of all accounts.
 */
export function judgeSolvency(owed: Wei, pool: Pool): Verdict {
  const free = poolFree(pool)
  return owed <= free ? { ok: true } : refuse({ code: 'pool-exhausted', owed, pool: free })
}
