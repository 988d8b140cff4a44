import { explain, type Notice } from '@pontage/shared'
import type { Link, WireguardKey } from '@pontage/shared/node'
import type { TunnelAddresses } from '../core/addressPool.js'
import { allowance, type Ending, owed, type Session } from '../core/session.js'
import type { FirewallChange } from '../io/firewall.js'
import type { SessionFigures, SessionRecord } from '../io/sessionStore.js'

/** A session with all that belongs to it in the world. */
export interface LiveSession {
  session: Session
  readonly record: SessionRecord
  readonly addresses: TunnelAddresses
  readonly wireguardKey: WireguardKey
  readonly links: Set<Link>
  /** What the kernel was told last. */
  limit: bigint
  passing: boolean
}

/** Where traffic has no price the quota is this large: nothing reaches it. */
const unlimited = (1n << 62n) - 1n

/**
 * Bytes the kernel's quota has to allow: what the session may use, and what was dropped before, since a quota
 * counts that as used. Drops not yet read make it too small for a moment, never too large.
 */
export const kernelLimit = (session: Session): bigint =>
  (allowance(session) ?? unlimited) + session.reading.dropped

/** What has to change in the kernel for it to agree with a session, and notes it as done. */
export function catchUp(live: LiveSession): FirewallChange[] {
  const changes: FirewallChange[] = []
  const key = live.record.key
  const limit = kernelLimit(live.session)
  if (limit !== live.limit) changes.push({ type: 'limit', key, bytes: limit })
  const passing = live.session.phase === 'forwarding'
  if (passing !== live.passing)
    changes.push({ type: passing ? 'pass' : 'hold', key, addresses: live.addresses })
  live.limit = limit
  live.passing = passing
  return changes
}

/** A session's figures as they are stored. */
export const figuresOf = ({ session }: LiveSession): SessionFigures => ({
  downBytes: session.reading.down,
  upBytes: session.reading.up,
  promises: session.promises,
  paid: session.paid,
})

/** The provider's account of a session, as it is told to the consumer: totals of the channel, base included. */
export const accountOf = (session: Session) => ({
  downBytes: session.reading.down,
  upBytes: session.reading.up,
  owed: owed(session),
  paid: session.paid,
})

/** Tells every connection of a session. */
export function tell<Type extends 'usage' | 'suspended' | 'resumed' | 'ended'>(
  live: LiveSession,
  type: Type,
  body: Notice<Type>,
): void {
  for (const link of live.links) link.notify(type, body)
}

/** Why it ended, as code and sentence. */
export const endingText = (ending: Ending): { code: string; message: string } =>
  ending.code === 'requested'
    ? { code: ending.code, message: 'The consumer ended the session.' }
    : { code: ending.code, message: explain(ending) }
