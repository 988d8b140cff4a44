import type { IIdentityRegistry, IPaymentChannels } from '@pontage/channel-contracts'
import {
  type Address,
  type ChannelParties,
  concludeArguments,
  type Deployment,
  finalState,
  type Hex,
  hashChannelState,
  money,
  shortSignature,
  unixSeconds,
  wei,
} from '@pontage/shared'
import { createTypedData, keccak256, signChannelState, signDigest } from '@pontage/shared/node'
import { ZeroAddress, ZeroHash } from 'ethers'
import { carrier, keyOf } from './people.js'

/** A call of a contract, and who sends it. */
export interface Call {
  readonly from: Address
  readonly to: string
  readonly data: string
}

/** The contracts whose calls are built here. */
export interface Contracts {
  readonly deployment: Deployment
  readonly registry: IIdentityRegistry
  readonly channels: IPaymentChannels
  /** Ids by the model's name of a channel. */
  readonly ids: ReadonlyMap<string, Hex>
}

/** The id of a channel that a play can open. */
export function idIn(contracts: Contracts, parties: ChannelParties): Hex {
  const id = contracts.ids.get(money.channelKey(parties))
  if (!id) throw new Error(`${money.channelKey(parties)} takes no part here.`)
  return id
}

type Movement = Exclude<money.Operation, { do: 'wait' }>
const farAway = unixSeconds(2 ** 40)

/** The transaction that asks the chain for what the model was asked for, signed by whom the operation says. */
export async function transactionFor(contracts: Contracts, op: Movement): Promise<Call> {
  const { deployment, registry, channels } = contracts
  const documents = createTypedData(deployment)
  const idOf = (parties: ChannelParties) => idIn(contracts, parties)
  const call = async (from: Address, populated: Promise<{ to: string; data: string }>): Promise<Call> => {
    const { to, data } = await populated
    return { from, to, data }
  }
  const promiseOf = ({ parties, provider, amount, signer }: money.ProtestOrder): Hex =>
    documents.sign('MicroPromise', { channelId: idOf(parties), provider, amount }, keyOf(signer))
  const drawOf = (order: money.DrawOrder) => {
    const { parties, provider, amount, guarantee } = order
    const { ceiling, expiresAt } = guarantee ?? { ceiling: wei(0n), expiresAt: 0 }
    const channelId = idOf(parties)
    const guaranteed = guarantee
      ? documents.sign(
          'Guarantee',
          { channelId, provider, ceiling, expiresAt: unixSeconds(expiresAt) },
          keyOf(guarantee.signer),
        )
      : '0x'
    const promiseSignature = promiseOf(order)
    return { parties, provider, amount, promiseSignature, ceiling, expiresAt, guaranteeSignature: guaranteed }
  }
  const redemptionOf = ({ hub, provider, total, signer }: money.RedeemOrder) => {
    const signature = signer ? documents.sign('HubPromise', { hub, provider, total }, keyOf(signer)) : '0x'
    return { hub, provider, total, signature }
  }

  switch (op.do) {
    case 'register':
      return call(op.by, registry.register.populateTransaction(op.roles, op.stake, op.beneficiary, ''))
    case 'addStake':
      return call(op.by, registry.addStake.populateTransaction(op.identity, op.amount))
    case 'requestUnbonding':
      return call(op.by, registry.requestUnbonding.populateTransaction(op.amount))
    case 'cancelUnbonding':
      return call(op.by, registry.cancelUnbonding.populateTransaction())
    case 'withdrawStake':
      return call(op.by, registry.withdrawStake.populateTransaction())
    case 'open': {
      const { consumer, hub, nonce } = op.parties
      return call(consumer, channels.open.populateTransaction(hub, nonce, op.amount))
    }
    case 'deposit':
      return call(op.by, channels.deposit.populateTransaction(op.parties, op.amount))
    case 'draw':
      return call(op.by, channels.draw.populateTransaction(drawOf(op.order)))
    case 'drawMany':
      return call(op.by, channels.drawMany.populateTransaction(op.orders.map(drawOf)))
    case 'drawBatches': {
      const slipsFor = (provider: Address) =>
        op.orders
          .filter((order) => order.provider === provider)
          .map((order) => {
            const { consumer, nonce } = order.parties
            return { consumer, nonce, amount: order.amount, ...shortSignature(promiseOf(order)) }
          })
      const providers = [...new Set(op.orders.map(({ provider }) => provider))]
      const batches = providers.map((provider) => ({ provider, slips: slipsFor(provider) }))
      const [only, ...others] = batches
      return only && others.length === 0
        ? call(op.by, channels.drawBatch.populateTransaction(only.provider, only.slips))
        : call(op.by, channels.drawBatches.populateTransaction(batches))
    }
    case 'redeemTo':
      return call(op.by, channels.redeemTo.populateTransaction(redemptionOf(op.order), op.to))
    case 'redeem':
      return call(carrier.address, channels.redeem.populateTransaction(redemptionOf(op.order)))
    case 'redeemMany':
      return call(
        carrier.address,
        channels.redeemMany.populateTransaction(
          op.hub,
          op.orders.map((order) => {
            const { provider, total, signature } = redemptionOf(order)
            return { provider, total, ...(signature === '0x' ? unsigned : shortSignature(signature)) }
          }),
        ),
      )
    case 'drawAndRedeem': {
      const redemption = redemptionOf(op.redemption)
      return call(
        op.by,
        channels.drawAndRedeem.populateTransaction(op.orders.map(drawOf), redemption, ZeroAddress),
      )
    }
    case 'protest': {
      const { parties, provider, amount } = op.order
      const signature = promiseOf(op.order)
      return call(carrier.address, channels.protest.populateTransaction(parties, provider, amount, signature))
    }
    case 'settleProtest':
      return call(carrier.address, channels.settleProtest.populateTransaction(op.parties, op.provider))
    case 'requestExit':
      return call(
        op.parties.consumer,
        channels.requestExit.populateTransaction(op.parties.hub, op.parties.nonce),
      )
    case 'requestExitFor': {
      const { parties, relayFee } = op
      const request = { channelId: idOf(parties), relayFee, deadline: farAway }
      const signature = documents.sign('ExitRequest', request, keyOf(op.signer))
      return call(op.by, channels.requestExitFor.populateTransaction(parties, relayFee, farAway, signature))
    }
    case 'exit':
      return call(carrier.address, channels.exit.populateTransaction(op.parties, [...op.protesters]))
    case 'conclude': {
      const state = finalState(deployment, op.parties, op)
      const releases = op.releases.map(({ signer, provider, amount, upTo }) => {
        const release = { provider, channelId: idOf(op.parties), amount, upTo: unixSeconds(upTo) }
        return { provider, amount, upTo, signature: documents.sign('Release', release, keyOf(signer)) }
      })
      const sign = async (signer: Address): Promise<Hex> =>
        signer === op.parties.consumer || signer === op.parties.hub
          ? signChannelState(state, keyOf(signer))
          : forge(await hashChannelState(state), signer)
      const signatures = { consumer: await sign(op.signers.consumer), hub: await sign(op.signers.hub) }
      const [final, ofConsumer, ofHub] = concludeArguments(state, releases, signatures)
      return call(carrier.address, channels.conclude.populateTransaction(final, ofConsumer, ofHub))
    }
    case 'fund':
      return call(op.by, channels.fund.populateTransaction(op.hub, op.amount))
    case 'requestWithdrawal':
      return call(op.by, channels.requestWithdrawal.populateTransaction(op.amount))
    case 'withdraw':
      return call(op.by, channels.withdraw.populateTransaction())
    case 'announceFee':
      return call(op.by, channels.announceFee.populateTransaction(op.feeBps))
    case 'repay':
      return call(op.by, channels.repay.populateTransaction(op.parties, op.provider, op.amount))
    case 'repayPromise':
      return call(op.by, channels.repayPromise.populateTransaction(op.hub, op.provider, op.amount))
  }
}

const unsigned = { r: ZeroHash, vs: ZeroHash }

/** A good signature by the wrong person: the library signs for the parties only. */
function forge(stateHash: Hex, signer: Address): Hex {
  const message = Buffer.from(stateHash.slice(2), 'hex')
  const prefix = Buffer.from('\x19Ethereum Signed Message:\n32')
  return signDigest(keccak256(Buffer.concat([prefix, message])), keyOf(signer))
}
