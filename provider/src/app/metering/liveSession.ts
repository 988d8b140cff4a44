import { bytes, explain, type Notice } from '@pontage/shared'
import type { Link, WireguardKey } from '@pontage/shared/node'
import type { TunnelAddresses } from '../../core/addressPool.js'
import { lastingGap, noReading, type Reading } from '../../core/meter.js'
import { allowance, type Ending, owed, type Session } from '../../core/session.js'
import type { FirewallChange } from '../../io/kernel/firewall.js'
import type { Carried, SessionFigures, SessionProgress, SessionRecord } from '../../io/store/sessionRecord.js'

/** A session with all that belongs to it in the world. */
export interface LiveSession {
  session: Session
  record: SessionRecord
  readonly addresses: TunnelAddresses
  readonly wireguardKey: WireguardKey
  readonly links: Set<Link>
  /** Counted before its present kernel objects were made: before the program died, or the rules were flushed. */
  carried: Carried
  /** What they had counted when they were read last; undefined before that. */
  counted: Reading | undefined
  /** Taken up again after a crash, and its consumer has not been heard of since. */
  isInterrupted: boolean
  /** What the kernel was told last. */
  limit: bigint
  passing: boolean
  /** Its traffic was dropped at the limit, when the kernel was read last. */
  isDropping: boolean
}

/** Nothing was counted before. */
export const nothingCarried: Carried = noReading

/** A session as its kernel objects are about to be made. */
export const liveFrom = (
  session: Session,
  record: SessionRecord,
  { addresses, wireguardKey }: Pick<LiveSession, 'addresses' | 'wireguardKey'>,
  carried: Carried,
): LiveSession => ({
  session,
  record,
  addresses,
  wireguardKey,
  links: new Set(),
  carried,
  counted: undefined,
  isInterrupted: false,
  limit: kernelLimit(session, carried),
  passing: true,
  isDropping: false,
})

/** Where traffic has no price the quota is this large: nothing reaches it. */
const unlimited = (1n << 62n) - 1n

/**
 * Bytes the kernel's quota has to allow: what the session may use, and what was dropped before, since a quota
 * counts that as used. Drops not yet read make it too small for a moment, never too large.
 */
export function kernelLimit(session: Session, carried: Carried): bigint {
  const allowed = allowance(session)
  if (allowed === undefined) return unlimited
  const left = allowed - carried.downBytes - carried.upBytes
  return (left > 0n ? left : 0n) + session.reading.dropped
}

/** A session's count: what the kernel says, and what it had counted before. */
export const withCarried = (reading: Reading, carried: Carried): Reading => ({
  downBytes: bytes(reading.downBytes + carried.downBytes),
  upBytes: bytes(reading.upBytes + carried.upBytes),
  downPackets: reading.downPackets + carried.downPackets,
  upPackets: reading.upPackets + carried.upPackets,
  dropped: reading.dropped,
})

/**
 * What a session has used by what the kernel says now.
 *
 * @returns undefined where that is less than before: another program set its counters back, or took them away.
 */
export function usedBy(
  { session, counted, carried }: Pick<LiveSession, 'session' | 'counted' | 'carried'>,
  now: Reading = noReading,
): Reading | undefined {
  if (now === counted) return session.reading
  const fell = counted && (['downBytes', 'upBytes', 'dropped'] as const).some((of) => now[of] < counted[of])
  return fell ? undefined : withCarried(now, carried)
}

/** What else of a session has to survive a crash. */
export const progressOf = ({ session }: LiveSession): SessionProgress => ({
  forwardedMs: session.forwardedMs,
  gap: lastingGap(session.gaps),
})

/** What has to change in the kernel for it to agree with a session, and notes it as done. */
export function catchUp(live: LiveSession): FirewallChange[] {
  const changes: FirewallChange[] = []
  const key = live.record.key
  const limit = kernelLimit(live.session, live.carried)
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
  downBytes: session.reading.downBytes,
  upBytes: session.reading.upBytes,
  promises: session.promises,
  promised: session.promised,
})

/** The provider's account of a session, as it is told to the consumer: totals of the channel, base included. */
export const accountOf = (session: Session) => ({
  downBytes: session.reading.downBytes,
  upBytes: session.reading.upBytes,
  downPackets: session.reading.downPackets,
  upPackets: session.reading.upPackets,
  owed: owed(session),
  promised: session.promised,
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
