import { address, larger, wei } from '@pontage/shared'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advanceNeeded, forgotten, judgeSolvency } from './solvency.js'

const account = (total: bigint, credited: bigint, paid: bigint) => ({
  provider: address(`0x${'1'.repeat(40)}`),
  total: wei(total),
  credited: wei(credited),
  paid: wei(paid),
})
const pool = (balance: bigint, pendingWithdrawal = 0n) => ({
  balance: wei(balance),
  pendingWithdrawal: wei(pendingWithdrawal),
})

describe('solvency', () => {
  it('needs no pool for what was drawn', () => {
    expect(judgeSolvency(advanceNeeded([account(100n, 100n, 40n)]), pool(0n)).ok).toBe(true)
  })

  it('needs the pool for what is promised beyond what was drawn and paid', () => {
    expect(judgeSolvency(advanceNeeded([account(100n, 30n, 0n)]), pool(70n)).ok).toBe(true)
    expect(judgeSolvency(advanceNeeded([account(100n, 30n, 0n)]), pool(69n))).toMatchObject({
      refusal: { code: 'pool-exhausted', owed: 70n, pool: 69n },
    })
  })

  it('does not count what is on its way out of the pool', () => {
    expect(judgeSolvency(advanceNeeded([account(50n, 0n, 0n)]), pool(100n, 51n)).ok).toBe(false)
  })

  it('misses promises only where more was paid than is remembered as promised or drawn', () => {
    expect(forgotten([account(10n, 0n, 10n), account(0n, 10n, 10n), account(10n, 20n, 0n)])).toEqual([])
    expect(forgotten([account(10n, 9n, 11n)])).toHaveLength(1)
  })

  it('lets everybody redeem in any order once it said yes', () => {
    const amount = fc.bigInt(0n, 1_000n)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(amount, amount, amount), { maxLength: 8 }),
        fc.bigInt(0n, 5_000n),
        (raw, balance) => {
          const accounts = raw.map(([total, credited, paid]) => account(total, credited, paid))
          if (!judgeSolvency(advanceNeeded(accounts), pool(balance)).ok) return
          let left = balance
          for (const { total, credited, paid } of accounts) {
            // What the contract takes from the pool: the due beyond what waits in the account.
            const due = larger(total, credited) - paid
            const waiting = credited > paid ? credited - paid : 0n
            if (due > 0n) left -= due > waiting ? due - waiting : 0n
          }
          expect(left).toBeGreaterThanOrEqual(0n)
          expect(advanceNeeded(accounts)).toBe(balance - left)
        },
      ),
    )
  })
})
