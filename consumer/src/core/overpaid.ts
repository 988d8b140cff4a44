import { bytesCovered, chargedBytes } from '@pontage/shared'
import { type EndReason, type Session, spentIn } from './session.js'

/** Every session pays for a megabyte begun, or for one ahead: a provider that breaks off this many still gets another try. */
const maxOverpaid = 10_000_000n
/** What it carried speaks for it: a connection of days begins many sessions. */
const carriedPart = 10n

/** Failures after which a provider is not tried again. */
const unforgiven: readonly (EndReason | undefined)[] = ['payment', 'counts']

/** Whether a provider may have another session after these: not when it takes more than it carries, however it ends them. */
export const mayServeAgain = (sessions: readonly Session[]): boolean =>
  !sessions.some(({ reason }) => unforgiven.includes(reason)) && !isOverpaid(sessions)

/**
 * Whether a provider was paid for clearly more than it carried, over all of its sessions in one connect: it takes the
 * first megabyte of each, breaks off, and would take another.
 */
export function isOverpaid(sessions: readonly Session[]): boolean {
  let paid = 0n
  let carried = 0n
  for (const session of sessions) {
    const seconds = BigInt(Math.floor(session.forwardingMs / 1_000))
    paid += bytesCovered(spentIn(session), seconds, session.price) ?? 0n
    carried += chargedBytes(session)
  }
  return paid > carried + carried / carriedPart + maxOverpaid
}
