import { type Bytes, bytes, type Wei, wei } from '@pontage/shared'
import type { StoredReceipt } from '../../core/journalEntry.js'
import { type Session, spentIn } from '../../core/session.js'

/** The sessions of a connection in their order, each with what was signed at its end. */
export type Sessions = readonly { readonly session: Session; readonly receipt: StoredReceipt }[]

/** What all sessions of a connection come to. */
export function sums(sessions: Sessions) {
  const sum = (of: (receipt: StoredReceipt) => number) =>
    sessions.reduce((total, { receipt }) => total + of(receipt), 0)
  return {
    downBytes: sum(({ downBytes }) => downBytes),
    upBytes: sum(({ upBytes }) => upBytes),
    promises: sum(({ promises }) => promises),
    spent: wei(sessions.reduce((total, { receipt }) => total + receipt.spent, 0n)),
    accepted: wei(sessions.reduce((total, { session }) => total + session.accepted - session.base, 0n)),
    seconds: sum(({ seconds }) => seconds),
  }
}

/** Tokens that may still be spent; undefined without a budget. */
export const budgetLeft = (budget: Wei | undefined, session: Session): Wei | undefined =>
  budget === undefined ? undefined : wei(budget - spentIn(session))

export const usedIn = (session: Session): Bytes => bytes(session.downBytes + session.upBytes)
