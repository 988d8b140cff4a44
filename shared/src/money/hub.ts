import { type Address, type Wei, wei } from '../units.js'
import type { Draft } from './draft.js'
import type { MoneyRefusal } from './operation.js'
import { debtOf, feeOf, least, pendingOf } from './standing.js'
import { hubOf, identityOf, largestAmount, walletOf } from './state.js'

/** Adds to a hub's pool. */
export function fund(draft: Draft, by: Address, hub: Address, amount: Wei): MoneyRefusal | undefined {
  if (amount === 0n) return 'ZeroAmount'
  if (walletOf(draft.money, by) < amount) return 'ERC20InsufficientBalance'
  draft.wallet(by, -amount)
  draft.hub(hub, { pool: wei(hubOf(draft.money, hub).pool + amount) })
  return undefined
}

/** Announces a withdrawal; the delay starts again, zero cancels. What is announced stays payable until it leaves. */
export function requestWithdrawal(draft: Draft, by: Address, amount: Wei): MoneyRefusal | undefined {
  if (amount > largestAmount) return 'AmountTooLarge'
  const withdrawableAt = amount === 0n ? 0 : draft.money.now + draft.money.settings.withdrawalDelay
  draft.hub(by, { pendingWithdrawal: amount, withdrawableAt })
  return undefined
}

/** Takes out what was announced, as far as creditors left it. */
export function withdraw(draft: Draft, by: Address): MoneyRefusal | undefined {
  const { pool } = hubOf(draft.money, by)
  const { amount: pending, withdrawableAt } = pendingOf(draft.money, by)
  if (pending === 0n) return 'NoWithdrawal'
  if (draft.money.now < withdrawableAt) return 'WithdrawalTooEarly'
  if (debtOf(draft.money, by) > 0n) return 'DebtStands'
  const amount = least(pending, pool)
  draft.hub(by, { pool: wei(pool - amount), pendingWithdrawal: wei(0n), withdrawableAt: 0 })
  draft.wallet(identityOf(draft.money, by).beneficiary ?? by, amount)
  return undefined
}

/** A lowering holds at once and cancels a raise; a raise waits for its notice. */
export function announceFee(draft: Draft, by: Address, feeBps: number): MoneyRefusal | undefined {
  const { feeCapBps, feeNotice } = draft.money.settings
  if (feeBps > feeCapBps) return 'FeeAboveCap'
  const current = feeOf(draft.money, by)
  if (feeBps > current) draft.hub(by, { feeBps: current, raise: { feeBps, at: draft.money.now + feeNotice } })
  else draft.hub(by, { feeBps, raise: undefined })
  return undefined
}
