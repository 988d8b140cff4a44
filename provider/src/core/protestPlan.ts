import type { Wei } from '@pontage/shared'

/** What the chain says of one channel and of what is drawn from it for us, as far as protesting depends on it. */
export interface ProtestedChannel {
  readonly status: 'none' | 'open' | 'closed'
  /** Zero while its consumer has not requested to leave. */
  readonly exitAt: number
  readonly drawn: Wei
  readonly releasedUpTo: number
  /** What is protested, and until when the hub may draw; both zero without a protest. */
  readonly protested: Wei
  readonly protestEndsAt: number
}

/** The contract's delays, in seconds. */
export interface ProtestDelays {
  readonly protestWindow: number
  readonly maxGuarantee: number
}

export type ProtestStep =
  /** Present the promise; a smaller one that is protested already is replaced by it. */
  | { readonly type: 'open' }
  /** The window is over: it is paid. */
  | { readonly type: 'settle' }
  /** Nothing can be done before this time of the chain. */
  | { readonly type: 'wait'; readonly until: number }
  /** The contract takes no protest any more. */
  | { readonly type: 'lost'; readonly reason: string }

/**
 * What to do about a promise that no guarantee covers: undefined while one does, or when everything is drawn.
 *
 * @param held - Our promise, and the guarantee that we hold.
 * @param now - Time of the chain's newest block.
 */
export function protestStep(
  held: {
    readonly promise: { readonly amount: Wei } | undefined
    readonly guarantee: { readonly ceiling: Wei; readonly expiresAt: number } | undefined
  },
  channel: ProtestedChannel,
  { protestWindow, maxGuarantee }: ProtestDelays,
  now: number,
): ProtestStep | undefined {
  const { promise, guarantee } = held
  const { drawn, protested, protestEndsAt, exitAt } = channel
  if (protestEndsAt > 0 && now >= protestEndsAt) return { type: 'settle' }
  if (promise === undefined || promise.amount <= drawn) return undefined
  const isGuaranteed =
    guarantee !== undefined && guarantee.expiresAt > now && guarantee.ceiling >= promise.amount
  if (isGuaranteed && guarantee.expiresAt > channel.releasedUpTo) return undefined
  if (protestEndsAt > 0) {
    const canGrow = promise.amount > protested && now + maxGuarantee <= protestEndsAt
    return canGrow ? { type: 'open' } : { type: 'wait', until: protestEndsAt }
  }
  if (channel.status === 'closed' && channel.releasedUpTo > 0)
    return { type: 'lost', reason: 'the channel was closed with our release' }
  if (channel.status === 'none') return { type: 'lost', reason: 'the channel is not on chain' }
  if (exitAt > 0 && now + protestWindow > exitAt)
    return {
      type: 'lost',
      reason: `the consumer’s exit is at ${exitAt}, before the window of a protest would end`,
    }
  return { type: 'open' }
}
