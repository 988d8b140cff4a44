import { type Address, refuse, type Verdict, type Wei } from '@pontage/shared'

/** Whom a provider serves. */
export interface AccessPolicy {
  /** Nobody else is served when it names somebody. */
  readonly allow: readonly Address[]
  readonly deny: readonly Address[]
  readonly minStake: Wei
  /** Seconds since it registered. */
  readonly minAgeSeconds: number
}

/** Decides by name alone, before the chain is asked. */
export function judgeName(consumer: Address, { allow, deny }: AccessPolicy): Verdict {
  const welcome = !deny.includes(consumer) && (allow.length === 0 || allow.includes(consumer))
  return welcome ? { ok: true } : refuse({ code: 'not-admitted', identity: consumer })
}

/** Decides by what the chain says of a consumer, at the chain's time. */
export function judgeStanding(
  standing: { readonly stake: Wei; readonly registeredAt: number },
  now: number,
  { minStake, minAgeSeconds }: AccessPolicy,
): Verdict {
  const { stake, registeredAt } = standing
  if (stake < minStake) return refuse({ code: 'stake-too-low', stake, minimum: minStake })
  const ageSeconds = registeredAt === 0 ? 0 : Math.max(0, now - registeredAt)
  if (ageSeconds < minAgeSeconds)
    return refuse({ code: 'too-young', ageSeconds, minimumSeconds: minAgeSeconds })
  return { ok: true }
}
