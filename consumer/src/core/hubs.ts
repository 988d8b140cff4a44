import { type Address, countOf, type Hex, type Wei } from '@pontage/shared'
import { freeCollateral } from './cap.js'
import type { Standing } from './choose.js'

/** A channel from which one may still pay. */
export interface PayableChannel {
  readonly channelId: Hex
  readonly hub: Address
  readonly nonce: number
  /** What is not promised to anybody yet. */
  readonly free: Wei
}

/** What the chain and the own records say of a channel. */
export interface ChannelFacts {
  readonly channelId: Hex
  readonly hub: Address
  readonly nonce: number
  readonly status: 'open' | 'closed'
  readonly balance: Wei
  readonly exitAt: number
  readonly isClosing: boolean
  readonly totals: readonly { readonly signed: Wei; readonly drawn: Wei }[]
}

/**
 * Open channels, not on their way out, and not used up; the one with most left first.
 *
 * @param canRefill - Whether those that are used up count as well, since they are refilled.
 */
export function payableChannels(channels: readonly ChannelFacts[], canRefill = false): PayableChannel[] {
  return channels
    .filter(({ status, exitAt, isClosing }) => status === 'open' && exitAt === 0 && !isClosing)
    .map(({ channelId, hub, nonce, balance, totals }) => ({
      channelId,
      hub,
      nonce,
      free: freeCollateral(balance, totals),
    }))
    .filter(({ free }) => canRefill || free > 0n)
    .sort((a, b) => (a.free > b.free ? -1 : a.free < b.free ? 1 : 0))
}

/** Why a hub is not relied on; undefined when it is sound. */
export function whyHubUnsound(standing: Standing): string | undefined {
  if (standing.debt > 0n) return 'it is in debt for a promise it did not keep'
  if (standing.faults > 0) return `it has ${countOf(standing.faults, 'fault')} on chain`
  if (!standing.active) return 'it is not registered as a hub with the minimum stake'
  return undefined
}
