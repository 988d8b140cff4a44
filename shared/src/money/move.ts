import { unixSeconds } from '../units.js'
import { conclude, deposit, exit, open, requestExit } from './channel.js'
import { Draft } from './draft.js'
import { draw, drawMany } from './draw.js'
import { announceFee, fund, requestWithdrawal, withdraw } from './hub.js'
import type { MoneyRefusal, Operation } from './operation.js'
import { protest, settleProtest } from './protest.js'
import { drawAndRedeem, redeem, redeemMany, redeemTo, repay, repayPromise } from './redeem.js'
import { addStake, cancelUnbonding, register, requestUnbonding, withdrawStake } from './stake.js'
import type { Money } from './state.js'

/** The money after an operation, or why nothing changed. */
export type Moved =
  | { readonly ok: true; readonly money: Money }
  | { readonly ok: false; readonly refusal: MoneyRefusal }

/** Does one operation to the money, all of it or nothing. Pure: `money` stays what it was. */
export function move(money: Money, operation: Operation): Moved {
  const draft = new Draft(money)
  const refusal = perform(draft, operation)
  return refusal === undefined ? { ok: true, money: draft.money } : { ok: false, refusal }
}

function perform(draft: Draft, op: Operation): MoneyRefusal | undefined {
  switch (op.do) {
    case 'wait':
      draft.money = { ...draft.money, now: unixSeconds(draft.money.now + op.seconds) }
      return undefined
    case 'register':
      return register(draft, op.by, op.roles, op.stake, op.beneficiary)
    case 'addStake':
      return addStake(draft, op.by, op.identity, op.amount)
    case 'requestUnbonding':
      return requestUnbonding(draft, op.by, op.amount)
    case 'cancelUnbonding':
      return cancelUnbonding(draft, op.by)
    case 'withdrawStake':
      return withdrawStake(draft, op.by)
    case 'open':
      return open(draft, op.parties, op.amount)
    case 'deposit':
      return deposit(draft, op.by, op.parties, op.amount)
    case 'draw':
      return draw(draft, op.by, op.order)
    case 'drawMany':
    case 'drawBatches':
      return drawMany(draft, op.by, op.orders)
    case 'redeem':
      return redeem(draft, op.order)
    case 'redeemTo':
      return redeemTo(draft, op.by, op.order, op.to)
    case 'redeemMany':
      return redeemMany(draft, op.orders)
    case 'drawAndRedeem':
      return drawAndRedeem(draft, op.by, op.orders, op.redemption)
    case 'protest':
      return protest(draft, op.order)
    case 'settleProtest':
      return settleProtest(draft, op.parties, op.provider)
    case 'requestExit':
      return requestExit(draft, op.parties)
    case 'requestExitFor':
      if (op.signer !== op.parties.consumer) return 'WrongSigner'
      return requestExit(draft, op.parties, { relayer: op.by, fee: op.relayFee })
    case 'exit':
      return exit(draft, op.parties, op.protesters)
    case 'conclude':
      return conclude(draft, op)
    case 'fund':
      return fund(draft, op.by, op.hub, op.amount)
    case 'requestWithdrawal':
      return requestWithdrawal(draft, op.by, op.amount)
    case 'withdraw':
      return withdraw(draft, op.by)
    case 'announceFee':
      return announceFee(draft, op.by, op.feeBps)
    case 'repay':
      return repay(draft, op.by, op.parties, op.provider, op.amount)
    case 'repayPromise':
      return repayPromise(draft, op.by, op.hub, op.provider, op.amount)
  }
}
