import { type Address, type Hex, refuse, type Verdict, type Wei, wei } from '@pontage/shared'

/** What a provider holds and may take on one channel. */
export interface CreditLine {
  readonly channelId: Hex
  readonly consumer: Address
  /** Highest promise stored so far; zero when there is none. */
  readonly accepted: Wei
  /** Highest ceiling the hub has signed; undefined when there is no guarantee. */
  readonly ceiling: Wei | undefined
  /** A release was signed: nothing more is accepted. */
  readonly released: boolean
}

/**
 * Decides what a micro-promise, its signature checked, adds to its channel, or why it is refused.
 * An equal total is a repeat: accepted, and adds nothing.
 */
export function judgePromise(line: CreditLine, amount: Wei): Verdict<{ credit: Wei }> {
  if (amount === line.accepted) return { ok: true, credit: wei(0n) }
  if (line.released) return refuse({ code: 'channel-closing', channelId: line.channelId })
  if (amount < line.accepted) return refuse({ code: 'below-accepted', amount, accepted: line.accepted })
  if (line.ceiling === undefined) return refuse({ code: 'no-guarantee', channelId: line.channelId })
  if (amount > line.ceiling) return refuse({ code: 'over-ceiling', amount, ceiling: line.ceiling })
  return { ok: true, credit: wei(amount - line.accepted) }
}
