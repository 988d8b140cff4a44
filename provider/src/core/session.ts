import {
  type Address,
  type Bytes,
  bytes,
  bytesCovered,
  bytesPerMegabyte,
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
import { bytesOfSecond, type Credit, type CreditInUse, creditSeconds, grownCredit } from './credit.js'
import { type Gaps, knownGap, lastingGap, noReading, noteGap, type Reading, settleGap } from './meter.js'

/** Why a session ended: the consumer asked, or a refusal that it is told. */
export type Ending = { readonly code: 'requested' } | Refusal

/** A session whose tunnel another machine uses than the one that pays: it is paid by our count, and kept while its payer is there. */
export interface Lent {
  /** Bytes that its consumer will pay for: the kernel forwards no more. */
  readonly limit: Bytes | undefined
}

/** One tunnel under one accepted proposal, as the provider sees it. */
export interface Session {
  readonly id: string
  readonly consumer: Address
  readonly channelId: Hex
  readonly price: Price
  /** What is forwarded ahead of payment, and how much that may become. */
  readonly credit: Credit
  /** Seconds without payment, or without any connection, after which it ends. */
  readonly graceSeconds: number
  /** Left out: the machine that pays is the one that uses it. */
  readonly lent?: Lent | undefined
  /** Promised on this channel before the session began. */
  readonly base: Wei
  /** Promised on this channel in total, base included. */
  readonly promised: Wei
  /** How far the hub stands behind the promises. */
  readonly ceiling: Wei
  readonly reading: Reading
  readonly gaps: Gaps
  /** A promise came since the last reading. */
  readonly freshlyPaid: boolean
  readonly promises: number
  /** Its consumer has come through the tunnel, or sent anything: time costs from then on. */
  readonly hasBegun: boolean
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
    'id' | 'consumer' | 'channelId' | 'price' | 'credit' | 'graceSeconds' | 'base' | 'ceiling' | 'lent'
  >,
): Session {
  return {
    ...opening,
    promised: opening.base,
    reading: noReading,
    gaps: knownGap(bytes(0n)),
    freshlyPaid: false,
    promises: 0,
    hasBegun: false,
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
  before: Pick<Session, 'promised' | 'reading' | 'promises' | 'forwardedMs'> & { readonly gap: Bytes },
): Session {
  const { gap, ...used } = before
  return { ...beginSession(opening), ...used, hasBegun: true, gaps: knownGap(gap), links: 0 }
}

/** Advances a session by one event. What the kernel may forward follows from the session: {@link allowance}. */
export function step(session: Session, event: SessionEvent): Step {
  if (session.phase === 'ended') return { session, effects: [] }
  switch (event.type) {
    case 'metered':
      return metered(session, event.reading, event.elapsedMs)
    case 'promised':
      return accepted(session, event.total)
    case 'guaranteed':
      return { session: { ...session, ceiling: event.ceiling }, effects: [] }
    case 'linked':
      return { session: { ...session, hasBegun: true, links: session.links + 1, unlinkedMs: 0 }, effects: [] }
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
 * Undefined where neither traffic nor time has a price. A lent session has its payer's own limit besides.
 */
export function allowance(session: Session): Bytes | undefined {
  const paidFor = payable(session)
  const most = session.lent?.limit
  return paidFor === undefined || most === undefined ? (paidFor ?? most) : smaller(paidFor, most)
}

function payable(session: Session): Bytes | undefined {
  const covered = coveredBytes(session)
  if (covered === undefined) return undefined
  const tolerated = smaller(lastingGap(session.gaps), toleratedLoss(covered))
  const credit = creditNow(session)
  const onCredit = isForTimeOnly(session) ? bytesOfSecond(credit) : credit
  return bytes(covered + tolerated + onCredit + headerBytesIn(session.reading))
}

/** What was forwarded before a session was suspended has arrived by then, or never will. */
const settledAfterMs = 1_000

/** A drop this close to the allowance was the allowance's doing: the largest packet the kernel hands on whole. */
const largestPacket = 65_536n

/**
 * Whether nothing but time goes on in a session, and time costs nothing: what the kernel may forward stays the same.
 *
 * @param reading - The very one that it has where nothing was counted since.
 */
export const isAtRest = (session: Session, reading: Reading): boolean =>
  session.reading === reading &&
  session.phase === 'forwarding' &&
  session.links > 0 &&
  !session.freshlyPaid &&
  session.price.perHour === 0n

const noEffects: readonly SessionEffect[] = []

function metered(before: Session, reading: Reading, elapsedMs: number): Step {
  if (isAtRest(before, reading))
    return {
      session: before.hasBegun ? { ...before, forwardedMs: before.forwardedMs + elapsedMs } : before,
      effects: noEffects,
    }
  const dropping = reading.dropped > before.reading.dropped
  const counts: Session = { ...before, reading, freshlyPaid: false }
  const covered = coveredBytes(counts)
  const session: Session = {
    ...counts,
    gaps:
      before.freshlyPaid && covered
        ? noteGap(before.gaps, charged(counts), covered, creditNow(before))
        : before.gaps,
    hasBegun: before.hasBegun || charged(counts) > 0n,
    forwardedMs: before.forwardedMs + (before.hasBegun && before.phase === 'forwarding' ? elapsedMs : 0),
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

function accepted(session: Session, total: Wei): Step {
  if (total < session.promised) return { session, effects: [] }
  if (total === session.promised) return repeated(session)
  return resumed({ ...session, promised: total, freshlyPaid: true, promises: session.promises + 1 })
}

/**
 * The same total again. From a consumer that gets nothing it says: this is all that arrived. By then nothing is on
 * its way any more, so the rest is lost.
 */
function repeated(session: Session): Step {
  const covered = coveredBytes(session)
  if (session.phase !== 'suspended' || session.overdueMs < settledAfterMs || covered === undefined)
    return { session, effects: [] }
  // Whoever pays ahead pays for what it counted and a little: what is lost keeps it from paying on, so some is forgiven.
  const ahead = session.credit.atFirst === 0n ? bytesPerMegabyte : 0n
  return resumed({ ...session, gaps: settleGap(session.gaps, bytes(charged(session) + ahead), covered) })
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
  if (allowed === undefined) return false
  if (isTimeUnpaid(session)) return true
  // Time goes on and is paid: beyond the speed that is offered the kernel drops, and nobody waits for a payment.
  if (isForTimeOnly(session)) return false
  const used = session.reading.downBytes + session.reading.upBytes
  return used >= allowed || (dropping && allowed - used <= largestPacket)
}

/** The sentence that fits: the guarantee's end, counts that loss does not explain, or no payment. */
function whyOverdue(session: Session): Refusal {
  const next = nextPromise(session)
  if (next > session.ceiling) return { code: 'over-ceiling', amount: next, ceiling: session.ceiling }
  const covered = coveredBytes(session)
  if (covered && lastingGap(session.gaps) >= toleratedLoss(covered) && session.links > 0 && covered > 0n)
    return { code: 'counts-differ', provider: charged(session), consumer: covered }
  return {
    code: 'payment-overdue',
    owed: owed(session),
    promised: session.promised,
    graceSeconds: session.graceSeconds,
  }
}

/** The least that buys anything more: a megabyte, or where time costs something, as little time as one likes. */
const nextPromise = ({ price, promised }: Session): Wei =>
  wei(promised + (price.perHour === 0n ? price.perMegabyte : 1n))

const chargedSeconds = (session: Session): bigint => BigInt(Math.floor(session.forwardedMs / 1_000))

const secondsPerHour = 3_600n

/** Bytes that are paid for; time on credit is taken off the time that must be paid first. */
function coveredBytes(session: Session): Bytes | undefined {
  const { price, credit, promised, base } = session
  if (price.perMegabyte > 0n) return bytesCovered(wei(promised - base), dueSeconds(session), price)
  return price.perHour > 0n ? bytes(paidSeconds(session) * credit.perSecond) : undefined
}

/** What the session may use unpaid by now: it grows with what was paid, whether for bytes or for time. */
export function creditNow(session: Session): Bytes {
  const { price, credit, promised, base } = session
  const paid =
    price.perMegabyte > 0n
      ? (bytesCovered(wei(promised - base), 0n, price) ?? 0n)
      : paidSeconds(session) * credit.perSecond
  return grownCredit(credit, paid)
}

/** What the running sessions of one identity have of its credit. Those that pay ahead have none, and get none. */
export const creditInUse = (sessions: readonly Session[]): CreditInUse => ({
  now: sessions.reduce((sum, session) => sum + creditNow(session), 0n),
  atMost: sessions.reduce((sum, { credit }) => (credit.atFirst === 0n ? sum : sum + credit.atMost), 0n),
})

const isForTimeOnly = ({ price }: Session): boolean => price.perMegabyte === 0n && price.perHour > 0n

/** Seconds that what was promised pays for, where only time has a price. */
const paidSeconds = ({ price, promised, base }: Session): bigint =>
  price.perHour === 0n ? 0n : ((promised - base) * secondsPerHour) / price.perHour

function dueSeconds(session: Session): bigint {
  const onCredit = creditSeconds(creditNow(session), session.credit)
  const seconds = chargedSeconds(session)
  return seconds > onCredit ? seconds - onCredit : 0n
}

const isTimeUnpaid = (session: Session): boolean =>
  owedFor(bytes(0n), dueSeconds(session), session.price) > session.promised - session.base
