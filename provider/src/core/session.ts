import {
  type Address,
  type Bytes,
  bytes,
  bytesCovered,
  chargedBytes,
  type Hex,
  headerBytesIn,
  owedFor,
  type Price,
  type Refusal,
  smaller,
  toleratedLoss,
  type Wei,
  wei,
} from '@pontage/shared'
import { type Gaps, knownGap, lastingGap, noReading, noteGap, type Reading, settleGap } from './meter.js'

/** Why a session ended: the consumer asked, or a refusal that it is told. */
export type Ending = { readonly code: 'requested' } | Refusal

/** One tunnel under one accepted proposal, as the provider sees it. */
export interface Session {
  readonly id: string
  readonly consumer: Address
  readonly channelId: Hex
  readonly price: Price
  /** Bytes forwarded ahead of payment, fixed by the terms. */
  readonly creditBytes: Bytes
  /** Seconds without payment, or without any connection, after which it ends. */
  readonly graceSeconds: number
  /** Promised on this channel before the session began. */
  readonly base: Wei
  /** Promised in total. */
  readonly paid: Wei
  /** How far the hub stands behind the promises. */
  readonly ceiling: Wei
  readonly reading: Reading
  readonly gaps: Gaps
  /** A promise came since the last reading. */
  readonly freshlyPaid: boolean
  readonly promises: number
  /** Time in which it could use the tunnel: what the hourly price is for. */
  readonly forwardedMs: number
  readonly overdueMs: number
  /** Connections on which it can pay. */
  readonly links: number
  readonly unlinkedMs: number
  readonly phase: 'forwarding' | 'suspended' | 'ended'
}

export type SessionEvent =
  | { readonly type: 'metered'; readonly reading: Reading; readonly elapsedMs: number }
  | { readonly type: 'promised'; readonly total: Wei }
  | { readonly type: 'guaranteed'; readonly ceiling: Wei }
  | { readonly type: 'linked' }
  | { readonly type: 'unlinked' }
  | { readonly type: 'end'; readonly ending: Ending }

export type SessionEffect =
  | { readonly type: 'suspend' }
  | { readonly type: 'resume' }
  | { readonly type: 'end'; readonly ending: Ending }

export interface Step {
  readonly session: Session
  readonly effects: readonly SessionEffect[]
}

/** A session at its first moment, with one connection: the one that opened it. */
export function beginSession(
  opening: Pick<
    Session,
    'id' | 'consumer' | 'channelId' | 'price' | 'creditBytes' | 'graceSeconds' | 'base' | 'ceiling'
  >,
): Session {
  return {
    ...opening,
    paid: opening.base,
    reading: noReading,
    gaps: knownGap(bytes(0n)),
    freshlyPaid: false,
    promises: 0,
    forwardedMs: 0,
    overdueMs: 0,
    links: 1,
    unlinkedMs: 0,
    phase: 'forwarding',
  }
}

/**
 * A session that goes on after the program died: what it had used counts, and nobody is connected yet.
 *
 * @param before - What it had used, and what was promised by then.
 */
export function resumeSession(
  opening: Parameters<typeof beginSession>[0],
  before: Pick<Session, 'paid' | 'reading' | 'promises' | 'forwardedMs'> & { readonly gap: Bytes },
): Session {
  const { gap, ...used } = before
  return { ...beginSession(opening), ...used, gaps: knownGap(gap), links: 0 }
}

/** Advances a session by one event. What the kernel may forward follows from the session: {@link allowance}. */
export function step(session: Session, event: SessionEvent): Step {
  if (session.phase === 'ended') return { session, effects: [] }
  switch (event.type) {
    case 'metered':
      return metered(session, event.reading, event.elapsedMs)
    case 'promised':
      return promised(session, event.total)
    case 'guaranteed':
      return { session: { ...session, ceiling: event.ceiling }, effects: [] }
    case 'linked':
      return { session: { ...session, links: session.links + 1, unlinkedMs: 0 }, effects: [] }
    case 'unlinked':
      return { session: { ...session, links: Math.max(0, session.links - 1) }, effects: [] }
    case 'end':
      return ended(session, event.ending)
  }
}

/** Bytes charged by the provider's own count. */
export const charged = (session: Session): Bytes => chargedBytes(session.reading)

/** What is owed on the channel by the provider's own count, in total. */
export const owed = (session: Session): Wei =>
  wei(session.base + owedFor(charged(session), chargedSeconds(session), session.price))

/**
 * Bytes the kernel may forward since the session opened: what is paid for, what loss explains, the credit, and the
 * headers that are not charged. Headers of packets it has not read yet are taken from the credit meanwhile.
 * Nothing above the ceiling is ever accepted, so nothing is forwarded beyond ceiling and credit either.
 * Undefined where traffic has no price.
 */
export function allowance(session: Session): Bytes | undefined {
  const covered = coveredBytes(session)
  if (covered === undefined) return undefined
  const tolerated = smaller(lastingGap(session.gaps), toleratedLoss(covered))
  return bytes(covered + tolerated + session.creditBytes + headerBytesIn(session.reading))
}

/** Without a price for traffic nothing counts the credit but time: this much of it may be unpaid. */
const creditSeconds = 60n

/** What was forwarded before a session was suspended has arrived by then, or never will. */
const settledAfterMs = 1_000

/** A drop this close to the allowance was the allowance's doing: the largest packet the kernel hands on whole. */
const largestPacket = 65_536n

function metered(before: Session, reading: Reading, elapsedMs: number): Step {
  const dropping = reading.dropped > before.reading.dropped
  const counts: Session = { ...before, reading, freshlyPaid: false }
  const covered = coveredBytes(counts)
  const session: Session = {
    ...counts,
    gaps:
      before.freshlyPaid && covered
        ? noteGap(before.gaps, charged(counts), covered, before.creditBytes)
        : before.gaps,
    forwardedMs: before.forwardedMs + (before.phase === 'forwarding' ? elapsedMs : 0),
    overdueMs: before.phase === 'suspended' ? before.overdueMs + elapsedMs : 0,
    unlinkedMs: before.links === 0 ? before.unlinkedMs + elapsedMs : 0,
  }
  const graceMs = session.graceSeconds * 1_000
  if (session.unlinkedMs > graceMs)
    return ended(session, { code: 'session-abandoned', seconds: session.graceSeconds })
  if (session.overdueMs > graceMs) return ended(session, whyOverdue(session))
  if (session.phase === 'forwarding' && isUsedUp(session, dropping))
    return { session: { ...session, phase: 'suspended', overdueMs: 0 }, effects: [{ type: 'suspend' }] }
  return resumed(session)
}

function promised(session: Session, total: Wei): Step {
  if (total < session.paid) return { session, effects: [] }
  if (total === session.paid) return repeated(session)
  return resumed({ ...session, paid: total, freshlyPaid: true, promises: session.promises + 1 })
}

/**
 * The same total again. From a consumer that gets nothing it says: this is all that arrived. By then nothing is on
 * its way any more, so the rest is lost.
 */
function repeated(session: Session): Step {
  const covered = coveredBytes(session)
  if (session.phase !== 'suspended' || session.overdueMs < settledAfterMs || covered === undefined)
    return { session, effects: [] }
  return resumed({ ...session, gaps: settleGap(session.gaps, charged(session), covered) })
}

function resumed(session: Session): Step {
  if (session.phase !== 'suspended' || isUsedUp(session, true)) return { session, effects: [] }
  return { session: { ...session, phase: 'forwarding', overdueMs: 0 }, effects: [{ type: 'resume' }] }
}

function ended(session: Session, ending: Ending): Step {
  return { session: { ...session, phase: 'ended' }, effects: [{ type: 'end', ending }] }
}

function isUsedUp(session: Session, dropping: boolean): boolean {
  const allowed = allowance(session)
  if (allowed === undefined) return unpaidForTime(session)
  const used = session.reading.downBytes + session.reading.upBytes
  return used >= allowed || (dropping && allowed - used <= largestPacket)
}

/** The sentence that fits: the guarantee's end, counts that loss does not explain, or no payment. */
function whyOverdue(session: Session): Refusal {
  const due = owed(session)
  if (due >= session.ceiling && session.paid + session.price.perMegabyte > session.ceiling)
    return { code: 'over-ceiling', amount: due, ceiling: session.ceiling }
  const covered = coveredBytes(session)
  if (covered && lastingGap(session.gaps) >= toleratedLoss(covered) && session.links > 0 && covered > 0n)
    return { code: 'counts-differ', provider: charged(session), consumer: covered }
  return { code: 'payment-overdue', owed: due, paid: session.paid, graceSeconds: session.graceSeconds }
}

const chargedSeconds = (session: Session): bigint => BigInt(Math.floor(session.forwardedMs / 1_000))

/** Bytes that are paid for; time on credit is taken off the time that must be paid first. */
function coveredBytes(session: Session): Bytes | undefined {
  const seconds = chargedSeconds(session)
  const due = seconds > creditSeconds ? seconds - creditSeconds : 0n
  return bytesCovered(wei(session.paid - session.base), due, session.price)
}

function unpaidForTime(session: Session): boolean {
  const seconds = chargedSeconds(session)
  const due = seconds > creditSeconds ? seconds - creditSeconds : 0n
  return owedFor(bytes(0n), due, session.price) > session.paid - session.base
}
