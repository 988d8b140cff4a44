import type { ChannelParties } from '../documents.js'
import type { Address, Wei } from '../units.js'

/** A micro-promise to be drawn, and who signed it; with the guarantee that allows it, if there is one. */
export interface DrawOrder {
  readonly parties: ChannelParties
  readonly provider: Address
  readonly amount: Wei
  readonly signer: Address
  readonly guarantee?: { readonly ceiling: Wei; readonly expiresAt: number; readonly signer: Address }
}

/** A hub promise, and who signed it; a total of zero asks for what waits only, and nobody need sign it. */
export interface RedeemOrder {
  readonly hub: Address
  readonly provider: Address
  readonly total: Wei
  readonly signer?: Address
}

/** A micro-promise that no guarantee covers. */
export type ProtestOrder = Omit<DrawOrder, 'guarantee'>

/** What a final state says one provider is to have in all. */
export interface TotalOrder {
  readonly provider: Address
  readonly amount: Wei
}

/** A provider's word that it is done with a channel at an amount. */
export interface ReleaseOrder extends TotalOrder {
  readonly upTo: number
  readonly signer: Address
}

/** A final state, and who signed it for the one party and for the other. */
export interface Conclusion {
  readonly parties: ChannelParties
  readonly totals: readonly TotalOrder[]
  readonly releases: readonly ReleaseOrder[]
  readonly signers: { readonly consumer: Address; readonly hub: Address }
}

/** Everything anybody can do to the money. `by` is who sends it and pays for it; time is one of the actors. */
export type Operation =
  | { readonly do: 'wait'; readonly seconds: number }
  | {
      readonly do: 'register'
      readonly by: Address
      readonly roles: number
      readonly stake: Wei
      readonly beneficiary: Address
    }
  | { readonly do: 'addStake'; readonly by: Address; readonly identity: Address; readonly amount: Wei }
  | { readonly do: 'requestUnbonding'; readonly by: Address; readonly amount: Wei }
  | { readonly do: 'cancelUnbonding' | 'withdrawStake' | 'withdraw'; readonly by: Address }
  | { readonly do: 'open'; readonly parties: ChannelParties; readonly amount: Wei }
  | {
      readonly do: 'deposit'
      readonly by: Address
      readonly parties: ChannelParties
      readonly amount: Wei
    }
  | { readonly do: 'draw'; readonly by: Address; readonly order: DrawOrder }
  | { readonly do: 'drawMany'; readonly by: Address; readonly orders: readonly DrawOrder[] }
  /** All of them on channels of the hub that sends them, without guarantees. */
  | { readonly do: 'drawBatches'; readonly by: Address; readonly orders: readonly DrawOrder[] }
  | { readonly do: 'redeem'; readonly order: RedeemOrder }
  | { readonly do: 'redeemTo'; readonly by: Address; readonly order: RedeemOrder; readonly to: Address }
  /** All of them promises of one hub. */
  | { readonly do: 'redeemMany'; readonly hub: Address; readonly orders: readonly RedeemOrder[] }
  | {
      readonly do: 'drawAndRedeem'
      readonly by: Address
      readonly orders: readonly DrawOrder[]
      readonly redemption: RedeemOrder
    }
  | { readonly do: 'protest'; readonly order: ProtestOrder }
  | { readonly do: 'settleProtest'; readonly parties: ChannelParties; readonly provider: Address }
  | { readonly do: 'requestExit'; readonly parties: ChannelParties }
  | {
      readonly do: 'requestExitFor'
      readonly by: Address
      readonly parties: ChannelParties
      readonly relayFee: Wei
      readonly signer: Address
    }
  | { readonly do: 'exit'; readonly parties: ChannelParties; readonly protesters: readonly Address[] }
  | ({ readonly do: 'conclude' } & Conclusion)
  | { readonly do: 'fund'; readonly by: Address; readonly hub: Address; readonly amount: Wei }
  | { readonly do: 'requestWithdrawal'; readonly by: Address; readonly amount: Wei }
  | { readonly do: 'announceFee'; readonly by: Address; readonly feeBps: number }
  | {
      readonly do: 'repay'
      readonly by: Address
      readonly parties: ChannelParties
      readonly provider: Address
      readonly amount: Wei
    }
  | {
      readonly do: 'repayPromise'
      readonly by: Address
      readonly hub: Address
      readonly provider: Address
      readonly amount: Wei
    }

/** Why an operation was refused, by the names of the errors with which the chain refuses it. */
export const moneyRefusals = [
  'AlreadyDrawn',
  'AlreadyProtested',
  'AlreadyReleased',
  'AmountTooLarge',
  'ChannelExists',
  'ChannelNotOpen',
  'CollateralMissing',
  'DebtStands',
  'ERC20InsufficientBalance',
  'ExitAlreadyRequested',
  'ExitNotRequested',
  'ExitTooEarly',
  'FeeAboveCap',
  'GuaranteeExpired',
  'GuaranteeReleased',
  'GuaranteeTooLong',
  'NeitherHubNorGuarantee',
  'NoProtest',
  'NoWithdrawal',
  'NotActive',
  'NotRegistered',
  'NotTheProvider',
  'NothingMissing',
  'NothingToDraw',
  'NothingToRedeem',
  'NothingUnbonding',
  'ProtestRunning',
  'ProtestTooLate',
  'ProtestsOpen',
  'ReleaseUnpaid',
  'StakeBelowMinimum',
  'StillUnbonding',
  'UnknownRoles',
  'WithdrawalTooEarly',
  'WrongSigner',
  'ZeroAmount',
] as const

export type MoneyRefusal = (typeof moneyRefusals)[number]
