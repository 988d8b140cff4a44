import { roles } from '../documents.js'
import { type Address, type Wei, wei } from '../units.js'
import type { Draft } from './draft.js'
import type { MoneyRefusal } from './operation.js'
import { above, debtOf, least, minimumStake } from './standing.js'
import { everything, identityOf, largestAmount, walletOf } from './state.js'

const allRoles = roles.consumer | roles.provider | roles.hub

/** Takes on roles and adds to the stake. */
export function register(
  draft: Draft,
  by: Address,
  added: number,
  stake: Wei,
  beneficiary: Address,
): MoneyRefusal | undefined {
  const known = identityOf(draft.money, by)
  const held = known.roles | added
  if ((added & ~allRoles) !== 0 || held === 0) return 'UnknownRoles'
  if (known.stake + stake > largestAmount) return 'AmountTooLarge'
  if (known.stake + stake < minimumStake(draft.money, held)) return 'StakeBelowMinimum'
  if (walletOf(draft.money, by) < stake) return 'ERC20InsufficientBalance'
  draft.wallet(by, -stake)
  draft.identity(by, { roles: held, stake: wei(known.stake + stake), beneficiary })
  return undefined
}

export function addStake(
  draft: Draft,
  by: Address,
  identity: Address,
  amount: Wei,
): MoneyRefusal | undefined {
  if (!draft.money.identities.has(identity)) return 'NotRegistered'
  if (amount === 0n) return 'ZeroAmount'
  if (identityOf(draft.money, identity).stake + amount > largestAmount) return 'AmountTooLarge'
  if (walletOf(draft.money, by) < amount) return 'ERC20InsufficientBalance'
  draft.wallet(by, -amount)
  draft.identity(identity, { stake: wei(identityOf(draft.money, identity).stake + amount) })
  return undefined
}

/** What stays must suffice for the roles, or be nothing: then the roles are left. `everything` takes what is there. */
export function requestUnbonding(draft: Draft, by: Address, given: Wei): MoneyRefusal | undefined {
  const known = identityOf(draft.money, by)
  const amount = given === everything ? known.stake : given
  if (amount === 0n) return 'ZeroAmount'
  if (amount > known.stake) return 'AmountTooLarge'
  const rest = wei(known.stake - amount)
  if (rest > 0n && rest < minimumStake(draft.money, known.roles)) return 'StakeBelowMinimum'
  draft.identity(by, {
    roles: rest === 0n ? 0 : known.roles,
    stake: rest,
    unbonding: wei(known.unbonding + amount),
    unbondsAt: draft.money.now + draft.money.settings.unbonding,
  })
  return undefined
}

export function cancelUnbonding(draft: Draft, by: Address): MoneyRefusal | undefined {
  const known = identityOf(draft.money, by)
  if (known.unbonding === 0n) return 'NothingUnbonding'
  draft.identity(by, { stake: wei(known.stake + known.unbonding), unbonding: wei(0n), unbondsAt: 0 })
  return undefined
}

export function withdrawStake(draft: Draft, by: Address): MoneyRefusal | undefined {
  const known = identityOf(draft.money, by)
  if (known.unbonding === 0n) return 'NothingUnbonding'
  if (draft.money.now < known.unbondsAt) return 'StillUnbonding'
  if (debtOf(draft.money, by) > 0n) return 'DebtStands'
  draft.identity(by, { unbonding: wei(0n), unbondsAt: 0 })
  draft.wallet(known.beneficiary ?? by, known.unbonding)
  return undefined
}

/**
 * Takes stake for a signature that was not honoured. Each token paid for what is newly missing burns another, so nobody
 * carries its own stake away by slashing itself; what was found missing before was punished then.
 *
 * @param missing - What the claim lacks now.
 * @param newly - The part of it that nobody had found missing before.
 * @returns What the stake paid; the caller says where it goes.
 */
export function slash(draft: Draft, identity: Address, missing: Wei, newly: Wei): Wei {
  const known = identityOf(draft.money, identity)
  const atStake = known.stake + known.unbonding
  const half = least(newly, atStake / 2n)
  // An odd token is burned too: what is left behind, the same signature presented again would take.
  const penalty = newly > half ? atStake - half : half
  const paid = wei(half + least(missing - newly, atStake - half - penalty))
  const taken = paid + penalty
  draft.identity(identity, {
    stake: above(known.stake, taken),
    unbonding: wei(known.unbonding - above(taken, known.stake)),
    faults: known.faults + (newly > 0n ? 1 : 0),
  })
  draft.burn(penalty)
  return paid
}
