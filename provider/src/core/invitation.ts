import { type Address, refuse, type UnixSeconds, type Verdict } from '@pontage/shared'

/** Whom an invitation lets in, and how long. */
export interface InvitationTerms {
  /** The one identity that it is for; undefined: whoever has it. */
  readonly consumer: Address | undefined
  /** How many identities may use it; undefined: any number. */
  readonly uses: number | undefined
  readonly expiresAt: UnixSeconds
  readonly isRevoked: boolean
}

/** Whether an invitation leads anywhere at all, whoever comes with it. */
export const isLive = ({ expiresAt, isRevoked }: InvitationTerms, now: UnixSeconds): boolean =>
  !isRevoked && expiresAt > now

/** Decides whether an invitation lets an identity in. @param usedBy - Those that it let in before. */
export function judgeInvitation(
  terms: InvitationTerms,
  usedBy: readonly Address[],
  consumer: Address,
  now: UnixSeconds,
): Verdict {
  if (terms.isRevoked) return refuse({ code: 'not-invited', problem: 'it was revoked' })
  if (terms.expiresAt <= now) return refuse({ code: 'not-invited', problem: 'it has expired' })
  if (terms.consumer !== undefined && terms.consumer !== consumer)
    return refuse({ code: 'not-invited', problem: `it is for ${terms.consumer}` })
  if (terms.uses !== undefined && usedBy.length >= terms.uses && !usedBy.includes(consumer))
    return refuse({ code: 'not-invited', problem: `it was for ${terms.uses}, who have used it` })
  return { ok: true }
}
