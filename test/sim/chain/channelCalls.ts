import { type Address, type money, unixSeconds, wei } from '@pontage/shared'
import type { Result } from 'ethers'
import { conclusionOf, drawOrder, paymentsOf, promiseBy, redeemOrder, slipsOf } from './channelOrders.js'
import { emitted } from './contracts.js'
import { deployment } from './deployment.js'
import { type Done, demandSigned, moved, pay, permit, Refused, spend } from './effects.js'
import { many, partiesOf, signerOf, who } from './reading.js'
import { type ChainState, idOf } from './state.js'

/** A call of PaymentChannels. */
export async function onChannels(
  given: ChainState,
  from: Address,
  name: string,
  args: Result,
): Promise<Done> {
  if (name === 'anchorLiabilities')
    return { ok: true, state: given, logs: [emitted('channels', 'LiabilitiesAnchored', [from, ...args])] }
  if (name === 'openFor') return openFor(given, from, args)
  const operation = await operationOf(from, name, args)
  if (!operation) throw new Refused('')
  return moved(given, operation, taken[operation.do] ? from : undefined)
}

const taken: Partial<Record<money.Operation['do'], true>> = {
  open: true,
  deposit: true,
  fund: true,
  repay: true,
  repayPromise: true,
}

function openFor(given: ChainState, from: Address, args: Result): Done {
  const { consumer, hub, channelNonce, amount, relayFee, deadline } = args.opening as Result
  const opening = {
    consumer: who(consumer),
    hub: who(hub),
    channelNonce: Number(channelNonce),
    amount: wei(amount),
    relayFee: wei(relayFee),
    deadline: unixSeconds(Number(deadline)),
  }
  demandSigned('Opening', opening, args.signature, opening.consumer, opening.deadline, given)
  const permitted = permit(given, opening.consumer, deployment.channels, args.permit as Result)
  const parties = { consumer: opening.consumer, hub: opening.hub, nonce: opening.channelNonce }
  const opened = moved(permitted, { do: 'open', parties, amount: opening.amount }, opening.consumer)
  const paid = spend(opened.state, opening.consumer, deployment.channels, opening.relayFee)
  return { ...opened, state: pay(paid, opening.consumer, from, opening.relayFee) }
}

/** What one call of PaymentChannels asks of the money. */
async function operationOf(from: Address, name: string, args: Result): Promise<money.Operation | undefined> {
  switch (name) {
    case 'open':
      return {
        do: 'open',
        parties: { consumer: from, hub: who(args.hub), nonce: Number(args.nonce) },
        amount: wei(args.amount),
      }
    case 'deposit':
      return { do: 'deposit', by: from, parties: partiesOf(args.parties), amount: wei(args.amount) }
    case 'draw':
      return { do: 'draw', by: from, order: drawOrder(args.order) }
    case 'drawMany':
      return { do: 'drawMany', by: from, orders: many(args.orders).map(drawOrder) }
    case 'drawBatch':
      return { do: 'drawBatches', by: from, orders: slipsOf(from, who(args.provider), many(args.slips)) }
    case 'drawBatches':
      return {
        do: 'drawBatches',
        by: from,
        orders: many(args.batches).flatMap((batch) => slipsOf(from, who(batch.provider), many(batch.slips))),
      }
    case 'redeem':
      return { do: 'redeem', order: redeemOrder(args.redemption) }
    case 'redeemTo':
      return { do: 'redeemTo', by: from, order: redeemOrder(args.redemption), to: who(args.to) }
    case 'redeemMany':
      return { do: 'redeemMany', hub: who(args.hub), orders: paymentsOf(who(args.hub), many(args.payments)) }
    case 'drawAndRedeem':
      return {
        do: 'drawAndRedeem',
        by: from,
        orders: many(args.orders).map(drawOrder),
        redemption: redeemOrder(args.redemption),
      }
    case 'protest': {
      const parties = partiesOf(args.parties)
      const provider = who(args.provider)
      const amount = wei(args.amount)
      const signer = promiseBy(parties, provider, amount, args.signature)
      return { do: 'protest', order: { parties, provider, amount, signer } }
    }
    case 'settleProtest':
      return { do: 'settleProtest', parties: partiesOf(args.parties), provider: who(args.provider) }
    case 'requestExit':
      return { do: 'requestExit', parties: { consumer: from, hub: who(args.hub), nonce: Number(args.nonce) } }
    case 'requestExitFor': {
      const parties = partiesOf(args.parties)
      const { relayFee, deadline } = args
      const request = { channelId: idOf(parties), relayFee, deadline: unixSeconds(Number(deadline)) }
      const signer = signerOf('ExitRequest', request, args.signature)
      return { do: 'requestExitFor', by: from, parties, relayFee: wei(relayFee), signer }
    }
    case 'exit':
      return { do: 'exit', parties: partiesOf(args.parties), protesters: many(args.protesters).map(who) }
    case 'conclude':
      return conclusionOf(args)
    case 'fund':
      return { do: 'fund', by: from, hub: who(args.hub), amount: wei(args.amount) }
    case 'requestWithdrawal':
      return { do: 'requestWithdrawal', by: from, amount: wei(args.amount) }
    case 'withdraw':
      return { do: 'withdraw', by: from }
    case 'announceFee':
      return { do: 'announceFee', by: from, feeBps: Number(args.feeBps) }
    case 'repay':
      return {
        do: 'repay',
        by: from,
        parties: partiesOf(args.parties),
        provider: who(args.provider),
        amount: wei(args.amount),
      }
    case 'repayPromise':
      return {
        do: 'repayPromise',
        by: from,
        hub: who(args.hub),
        provider: who(args.provider),
        amount: wei(args.amount),
      }
    default:
      return undefined
  }
}
