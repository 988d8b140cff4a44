import type { EndReason, Session } from '../../core/session.js'

/** Why a session ended, in words. */
export const sentenceOfEnd = ({ reason, message }: Session): string =>
  `${endings[reason ?? 'provider']}${message === undefined ? '' : ` ${message}`}`

/** The same of a session that was kept, by a version that may have had other reasons. */
export const endingOf = (reason: string): string => endings[reason as EndReason] ?? `${reason}.`

/** What a connection does that goes on after the end of a session. */
export const whatFollows = ({ reason }: Pick<Session, 'reason'>): string =>
  reason === 'cap' || reason === 'budget'
    ? 'A new month has begun (UTC): beginning another session.'
    : 'Looking for the next provider.'

const endings: Record<EndReason, string> = {
  cap: 'the cap was reached.',
  budget: 'the budget is spent.',
  ceiling: 'the hub’s guarantee is used up.',
  user: 'you disconnected.',
  provider: 'the provider ended it.',
  payment: 'the provider says it was not paid.',
  counts: 'the two byte counts differ by more than packet loss explains.',
  slow: 'the provider confirms payments too slowly.',
  undelivered: 'what was sent went out, and nothing came back: the provider does not deliver.',
  lost: 'the provider cannot be reached any more.',
}
