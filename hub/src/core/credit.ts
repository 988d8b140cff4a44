import { type Address, netOf, refuse, type Verdict, type Wei, wei } from '@pontage/shared'
import { type ChannelLine, tabOf } from './channelLine.js'
import { judgeReservation } from './reserve.js'

/** A micro-promise whose signer was recovered; undefined when the signature is malformed. */
export interface RecoveredPromise {
  readonly amount: Wei
  readonly signer: Address | undefined
}

/**
 * Decides what a provider's micro-promise adds to the hub's promise to it. An equal total is a repeat and
 * adds nothing. A promise within a guarantee that has run out is still taken while the channel can stand for it.
 *
 * @param feeBps - The hub's fee, in 1/10,000.
 * @returns Net of the fee; the credits of one tab add up to the net of its last total.
 */
export function judgePromise(
  line: ChannelLine,
  provider: Address,
  promise: RecoveredPromise,
  feeBps: number,
): Verdict<{ credit: Wei }> {
  const { amount, signer } = promise
  if (signer === undefined) return refuse({ code: 'malformed-signature', document: 'MicroPromise' })
  if (signer !== line.consumer)
    return refuse({ code: 'wrong-signer', document: 'MicroPromise', signer, expected: line.consumer })
  const tab = tabOf(line, provider)
  if (amount === tab.cleared) return { ok: true, credit: wei(0n) }
  if (amount < tab.cleared) return refuse({ code: 'below-accepted', amount, accepted: tab.cleared })
  if (line.status !== 'open' || line.closing)
    return refuse({ code: 'channel-closing', channelId: line.channelId })
  if (tab.ceiling === 0n && tab.liveCeiling === 0n)
    return refuse({ code: 'no-guarantee', channelId: line.channelId })
  if (amount > tab.liveCeiling) {
    if (amount > tab.ceiling) return refuse({ code: 'over-ceiling', amount, ceiling: tab.ceiling })
    const reservation = judgeReservation(line, provider, amount)
    if (!reservation.ok) return reservation
  }
  return { ok: true, credit: creditFor(tab.cleared, amount, feeBps) }
}

/** What the hub's promise grows by when a tab's total goes from `before` to `after`. */
export const creditFor = (before: Wei, after: Wei, feeBps: number): Wei =>
  wei(netOf(after, feeBps) - netOf(before, feeBps))
