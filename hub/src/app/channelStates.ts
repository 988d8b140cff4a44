import type { ChannelParties, Hex, Verdict } from '@pontage/shared'
import type { PrivateKey } from '@pontage/shared/node'
import type { ProviderTotal, ReleaseClaim } from '../core/finalState.js'

/** A final state in the words of the wire. */
export interface FinalState {
  readonly channel: ChannelParties
  readonly turnNum: number
  readonly totals: readonly ProviderTotal[]
  readonly releases: readonly ReleaseClaim[]
}

/** The states that open and close a channel, signed the state-channel library's way. */
export interface ChannelStates {
  /** Seconds, as every state of a channel carries it. */
  readonly challengeDuration: number
  channelIdOf(channel: ChannelParties): Hex
  /** Checks the consumer's signature on turn 0. */
  checkPrefund(channel: ChannelParties, signature: Hex): Promise<Verdict>
  /** The hub's signature on turn 1. */
  signPrefund(channel: ChannelParties, privateKey: PrivateKey): Promise<Hex>
  /** Checks the consumer's signature on a final state. */
  checkFinal(state: FinalState, signature: Hex): Promise<Verdict>
  signFinal(state: FinalState, privateKey: PrivateKey): Promise<Hex>
}
