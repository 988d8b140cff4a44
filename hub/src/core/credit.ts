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
  const tab = tabOf(line, provider)
  if (tab.ceiling === 0n && tab.liveCeiling === 0n && tab.cleared === 0n)
    return refuse({ code: 'no-guarantee', channelId: line.channelId })
  if (signer === undefined) return refuse({ code: 'malformed-signature', document: 'MicroPromise' })
  if (signer !== line.consumer)
    return refuse({ code: 'wrong-signer', document: 'MicroPromise', signer, expected: line.consumer })
  if (amount === tab.cleared) return { ok: true, credit: wei(0n) }
  if (amount < tab.cleared) return refuse({ code: 'below-accepted', amount, accepted: tab.cleared })
  if (line.status !== 'open' || line.closing)
    return refuse({ code: 'channel-closing', channelId: line.channelId })
  if (tab.ceiling === 0n && tab.liveCeiling === 0n)
    return refuse({ code: 'no-guarantee', channelId: line.channelId })
  const credit = creditFor(tab.cleared, amount, feeBps)
  if (amount <= tab.liveCeiling) return { ok: true, credit }
  if (amount > tab.ceiling) return refuse({ code: 'over-ceiling', amount, ceiling: tab.ceiling })
  const reservation = judgeReservation(line, provider, amount)
  return reservation.ok ? { ok: true, credit } : reservation
}

/**
 * Whether the hub may draw a promise that it had cleared before its ledger forgot it: not where what the channel holds
 * belongs to others by now. A consumer that leaves takes nothing of what it promised.
 */
export function isBacked(line: ChannelLine, provider: Address, amount: Wei): boolean {
  if (line.status !== 'open' || line.closing) return false
  if (amount <= tabOf(line, provider).liveCeiling) return true
  return judgeReservation({ ...line, exitAt: 0 }, provider, amount).ok
}

/** What the hub's promise grows by when a tab's total goes from `before` to `after`. */
export const creditFor = (before: Wei, after: Wei, feeBps: number): Wei =>
  wei(netOf(after, feeBps) - netOf(before, feeBps))

/** A hub's promise to one provider, and how much of it no micro-promise in the ledger accounts for. */
export interface Promised {
  readonly total: Wei
  /** Zero unless the ledger once was older than what had left the hub, and learned of a higher total from outside. */
  readonly unexplained: Wei
}

/**
 * Adds what a micro-promise is worth. A total learned from outside covers promises the ledger does not know: when they
 * come in after all, they explain it, and are not promised a second time.
 */
export function addCredit({ total, unexplained }: Promised, credit: Wei): Promised {
  const explained = credit < unexplained ? credit : unexplained
  return { total: wei(total + credit - explained), unexplained: wei(unexplained - explained) }
}

/** Takes in that the hub once promised this much, or that the chain paid it. A total never falls. */
export const learnTotal = (known: Promised, total: Wei): Promised =>
  total > known.total ? { total, unexplained: wei(known.unexplained + total - known.total) } : known
