import type { ChannelParties } from '../documents.js'
import { type Address, type Wei, wei } from '../units.js'
import type { Draft } from './draft.js'
import { credit, drawMany } from './draw.js'
import { fund } from './hub.js'
import type { DrawOrder, MoneyRefusal, RedeemOrder } from './operation.js'
import { slash } from './stake.js'
import {
  above,
  advancedOn,
  hubClaim,
  least,
  missingByConsumer,
  missingByHub,
  missingOf,
  most,
  waitingIn,
} from './standing.js'
import { accountOf, hubOf, identityOf, largestAmount, tabOf, walletOf } from './state.js'

/** Redeems many, passing over those that add nothing and those that the hub did not sign. */
export function redeemMany(draft: Draft, orders: readonly RedeemOrder[]): MoneyRefusal | undefined {
  for (const order of orders) {
    const refusal = redeem(draft, order)
    if (refusal !== undefined && refusal !== 'NothingToRedeem' && refusal !== 'WrongSigner') return refusal
  }
  return undefined
}

/** Draws, then redeems, both as far as there is anything. */
export function drawAndRedeem(
  draft: Draft,
  by: Address,
  orders: readonly DrawOrder[],
  redemption: RedeemOrder,
): MoneyRefusal | undefined {
  const refusal = drawMany(draft, by, orders) ?? redeem(draft, redemption)
  return refusal === 'NothingToRedeem' ? undefined : refusal
}

/** As `redeem`, by the provider itself and to where it says. */
export function redeemTo(
  draft: Draft,
  by: Address,
  order: RedeemOrder,
  to: Address,
): MoneyRefusal | undefined {
  return by === order.provider ? redeem(draft, order, to) : 'NotTheProvider'
}

/** Pays what waits for a provider and what its hub promised beyond that: from the pool, else from the hub's stake. */
export function redeem(
  draft: Draft,
  { hub, provider, total, signer }: RedeemOrder,
  to?: Address,
): MoneyRefusal | undefined {
  if (total > accountOf(draft.money, hub, provider).credited) {
    if (total > largestAmount) return 'AmountTooLarge'
    if (signer !== hub) return 'WrongSigner'
  }
  return pay(draft, hub, provider, total, to) ? undefined : 'NothingToRedeem'
}

/** Whether anything was paid or is newly missing. */
function pay(draft: Draft, hub: Address, provider: Address, total: Wei, to?: Address): boolean {
  const before = accountOf(draft.money, hub, provider)
  const missingBefore = missingOf(before)
  const owedBefore = hubClaim(draft.money, hub, provider)
  const promised = most(before.promised, total)
  const due = above(most(promised, before.credited), before.paid)

  const waiting = waitingIn(before)
  const advance = least(due - waiting, hubOf(draft.money, hub).pool)
  draft.hub(hub, { pool: wei(hubOf(draft.money, hub).pool - advance) })
  let paid = wei(waiting + advance)
  if (paid < due) {
    draft.account(hub, provider, { promised, paid: wei(before.paid + paid) })
    const missing = wei(due - paid)
    const newly = least(missing, above(hubClaim(draft.money, hub, provider), owedBefore))
    paid = wei(paid + slash(draft, hub, missing, newly))
  }
  const after = { promised, paid: wei(before.paid + paid) }
  draft.account(hub, provider, after)
  draft.wallet(to ?? identityOf(draft.money, provider).beneficiary ?? provider, paid)
  return paid > 0n || missingOf({ ...before, ...after }) !== missingBefore
}

/** Pays on a promise that a guaranteed draw or a protest could not fill, for whichever of the two failed. */
export function repay(
  draft: Draft,
  by: Address,
  parties: ChannelParties,
  provider: Address,
  amount: Wei,
): MoneyRefusal | undefined {
  const tab = tabOf(draft.money, parties, provider)
  const missing = most(missingByConsumer(tab), missingByHub(tab))
  if (missing === 0n) return 'NothingMissing'
  // A hub need not pay a second time what it has advanced; a consumer owes it all the same, to the hub.
  const advanced = advancedOn(accountOf(draft.money, parties.hub, provider))
  const free = missingByConsumer(tab) > 0n ? wei(0n) : least(missing, advanced)
  const taken = least(amount, missing - free)
  if (taken + free === 0n) return 'ZeroAmount'
  if (walletOf(draft.money, by) < taken) return 'ERC20InsufficientBalance'
  draft.wallet(by, -taken)
  credit(draft, parties, provider, wei(taken + free), free)
  return undefined
}

/** Pays on a hub promise that a redemption could not fill, through the hub's pool. */
export function repayPromise(
  draft: Draft,
  by: Address,
  hub: Address,
  provider: Address,
  amount: Wei,
): MoneyRefusal | undefined {
  const account = accountOf(draft.money, hub, provider)
  if (missingOf(account) === 0n) return 'NothingMissing'
  const needed = above(missingOf(account), waitingIn(account))
  const refusal = needed > 0n ? fund(draft, by, hub, least(amount, needed)) : undefined
  if (refusal) return refusal
  pay(draft, hub, provider, wei(0n))
  return undefined
}
