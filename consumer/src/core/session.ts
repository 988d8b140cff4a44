import {
  type Bytes,
  bytes,
  bytesPerMegabyte,
  type Counted,
  chargedBytes,
  larger,
  megabytesBegun,
  owedFor,
  type Price,
  smaller,
  toleratedLoss,
  type Wei,
  wei,
} from '@pontage/shared'
import type { Left } from './limits.js'

/**
 * Why a session is over. `lost`: the provider fell silent, or the tunnel is gone; `slow`: it confirms payments too
 * late to be of use; `undelivered`: it takes what is sent and delivers nothing; `payment`: it says it was not paid.
 */
export type EndReason =
  | 'cap'
  | 'budget'
  | 'user'
  | 'provider'
  | 'payment'
  | 'ceiling'
  | 'counts'
  | 'slow'
  | 'undelivered'
  | 'lost'

/**
 * Where a session stands. `halting`: the kernel is being told to forward nothing more, so that the last count
 * is the last; `settling`: the last promise is out and the provider was asked for its account.
 */
export type Phase = 'running' | 'suspended' | 'halting' | 'settling' | 'ended'

/** One session as the consumer sees it. Amounts named "total" are running totals of (channel, provider). */
export interface Session {
  readonly phase: Phase
  readonly price: Price
  /** Total promised before this session began. */
  readonly base: Wei
  /** Total the hub guarantees; nothing above it is ever promised. */
  readonly ceiling: Wei
  /** Bytes the provider may forward unpaid. */
  readonly credit: Bytes
  /** How much may be left of the guarantee before a larger one is asked for. */
  readonly raiseBelow: Wei
  /** Bytes after which the kernel lets nothing more through; undefined without a limit. */
  readonly limit: Bytes | undefined
  /** Bytes up to which it may go by what others have left of a cap by now; undefined where there is no such cap. */
  readonly shared: Bytes | undefined
  /** What it means when the kernel's limit is reached. */
  readonly limitedBy: 'cap' | 'budget' | 'ceiling'
  /** What it means when the ceiling is reached: the user's own budget may have set it. */
  readonly ceilingIs: 'budget' | 'ceiling'
  /** What this machine's kernel counted. */
  readonly downBytes: Bytes
  readonly upBytes: Bytes
  readonly downPackets: bigint
  readonly upPackets: bigint
  /** Milliseconds during which traffic could flow, and when that was last looked at. */
  readonly forwardingMs: number
  readonly lookedAtMs: number
  /** Total signed so far, and how many signatures that took in this session. */
  readonly promised: Wei
  readonly promises: number
  /** Total the provider confirmed. */
  readonly accepted: Wei
  /** Whether there is a connection on which it can confirm. */
  readonly attached: boolean
  /** Since when a promise has been out that it did not confirm; undefined when all are confirmed. */
  readonly unconfirmedSinceMs: number | undefined
  /** While suspended: since when nothing was said to the provider, first of all since it suspended. */
  readonly silentSinceMs: number
  /** Whether a larger guarantee has been asked for, or from when on it may be. */
  readonly raise: 'asked' | { readonly notBeforeMs: number }
  readonly reason: EndReason | undefined
  /** The other side's words, where it ended the session. */
  readonly message: string | undefined
}

/** What happens to a session. Instants are milliseconds of a clock that only grows. */
export type SessionEvent =
  | {
      readonly type: 'counted'
      readonly count: Counted
      readonly atMs: number
      readonly limitReached: boolean
    }
  | { readonly type: 'accepted'; readonly amount: Wei }
  | ({ readonly type: 'usage' } & Counted)
  /** What all sessions of this user may still use together, this one among them. */
  | ({ readonly type: 'left' } & Left)
  | { readonly type: 'suspended'; readonly atMs: number }
  | { readonly type: 'resumed'; readonly atMs: number }
  | ({ readonly type: 'raised' } & Guaranteed)
  | { readonly type: 'notRaised'; readonly atMs: number }
  /** The channel holds more than before: a larger guarantee is worth asking for again. */
  | { readonly type: 'toppedUp'; readonly atMs: number }
  | { readonly type: 'detached' }
  | { readonly type: 'reattached' }
  | { readonly type: 'stop'; readonly reason: EndReason; readonly message?: string }
  | { readonly type: 'halted'; readonly count: Counted; readonly atMs: number }
  | { readonly type: 'settled' }

/** What a guarantee allows: its ceiling, what the kernel lets through for it, and whose limit each is. */
export type Guaranteed = Pick<Session, 'ceiling' | 'ceilingIs' | 'limit' | 'limitedBy'>

/** What has to be done, in this order, once the new state is recorded. */
export type Effect =
  /** Sign this total and send it. */
  | { readonly type: 'promise'; readonly amount: Wei }
  /** Ask for a larger guarantee, answer with `raised` or `notRaised`. */
  | { readonly type: 'raise' }
  /** So much is lost on the way that the session will end of it: let the packets travel by something else. */
  | { readonly type: 'lossy' }
  /** Let the kernel forward nothing more, count once more, answer with `halted`. */
  | { readonly type: 'halt' }
  /** Ask the provider to end the session, answer with `settled`. */
  | { readonly type: 'end' }
  /** The session is over. */
  | { readonly type: 'finish' }

export interface Step {
  readonly session: Session
  readonly effects: readonly Effect[]
}

/** A provider that confirms no promise for so long is not worth waiting for; an ordinary one takes milliseconds. */
const slowAfterMs = 15_000
/**
 * What is lost beyond what loss explains may use up this part of the credit: a sender that finds out how fast the line is loses
 * some, once. One that goes on losing uses up the rest.
 */
const lossyPart = 2n
/** A suspended session that owes nothing says so this often: what the provider misses is then lost, not late. */
const repeatEveryMs = 2_000
/** After a larger guarantee was refused: a channel may be topped up, a hub may come back. */
const raiseAgainAfterMs = 30_000

/** A session that begins to forward at `atMs`. */
export function begin(
  terms: Pick<Session, 'price' | 'base' | 'credit' | 'raiseBelow'> & Guaranteed,
  atMs: number,
): Session {
  return {
    ...terms,
    phase: 'running',
    shared: undefined,
    downBytes: bytes(0n),
    upBytes: bytes(0n),
    downPackets: 0n,
    upPackets: 0n,
    forwardingMs: 0,
    lookedAtMs: atMs,
    promised: terms.base,
    promises: 0,
    accepted: terms.base,
    attached: true,
    unconfirmedSinceMs: undefined,
    silentSinceMs: atMs,
    raise: { notBeforeMs: atMs },
    reason: undefined,
    message: undefined,
  }
}

/** Advances a session by one event. Pure: the caller records the total in `session`, then performs `effects`. */
export function step(session: Session, event: SessionEvent): Step {
  switch (event.type) {
    case 'counted':
      return counted(session, event.count, event.atMs, event.limitReached)
    case 'accepted':
      return quietly(confirmed(session, event.amount))
    case 'usage':
      return compared(session, event)
    case 'left':
      return narrowed(session, event)
    case 'suspended':
      return session.phase === 'running'
        ? quietly({ ...aged(session, event.atMs), phase: 'suspended', silentSinceMs: event.atMs })
        : quietly(session)
    case 'resumed':
      return session.phase === 'suspended'
        ? quietly({ ...aged(session, event.atMs), phase: 'running' })
        : quietly(session)
    case 'raised': {
      const { type: _, ...guaranteed } = event
      return quietly({ ...session, ...guaranteed, raise: { notBeforeMs: session.lookedAtMs } })
    }
    case 'toppedUp':
      return session.raise === 'asked'
        ? quietly(session)
        : quietly({ ...session, raise: { notBeforeMs: event.atMs } })
    case 'notRaised':
      return quietly({ ...session, raise: { notBeforeMs: event.atMs + raiseAgainAfterMs } })
    case 'detached':
      return quietly({ ...session, attached: false })
    case 'reattached':
      return reattached(session)
    case 'stop':
      return stopped(session, event.reason, event.message)
    case 'halted':
      return halted(session, event.count, event.atMs)
    case 'settled':
      return session.phase === 'settling'
        ? { session: { ...session, phase: 'ended' }, effects: [{ type: 'finish' }] }
        : quietly(session)
  }
}

/** Wei owed in this session by its own count. */
export const owedIn = (session: Session): Wei =>
  owedFor(chargedBytes(session), BigInt(Math.floor(session.forwardingMs / 1_000)), session.price)

/**
 * Bytes before the end of what is paid at which the next megabyte is paid to a provider that gives no credit: more than
 * the largest packet, which it would hold back. They and the megabyte are lost if it stops there.
 */
const aheadBytes = 131_072n

/**
 * Seconds that are paid ahead while the provider holds back: it began to count up to a reading earlier, and our own clock stands
 * still. Without them neither would ever move.
 */
const heldBackSeconds = 2n

/** What is to be signed by now: what is owed, and without credit, or held back, what will be owed in a moment. */
const dueIn = (session: Session): Wei => {
  const paysAhead = session.credit === 0n
  const ahead = session.phase === 'suspended' ? heldBackSeconds : paysAhead ? 1n : 0n
  const seconds = BigInt(Math.floor(session.forwardingMs / 1_000)) + ahead
  return owedFor(bytes(chargedBytes(session) + (paysAhead ? aheadBytes : 0n)), seconds, session.price)
}

/** Wei signed away in this session. */
export const spentIn = (session: Session): Wei => wei(session.promised - session.base)

function counted(session: Session, count: Counted, atMs: number, limitReached: boolean): Step {
  if (session.phase !== 'running' && session.phase !== 'suspended') return quietly(session)
  const paid = withRaise(repeated(pay(withCount(aged(session, atMs), count))))
  const { shared, downBytes, upBytes } = paid.session
  const isCapped = shared !== undefined && downBytes + upBytes >= shared
  const isUnpayable = session.base + owedIn(paid.session) > session.ceiling
  if (!limitReached && !isCapped && !isUnpayable)
    return isSlow(paid.session) ? andStopped(paid, 'slow') : paid
  const by = isCapped ? 'cap' : limitReached ? session.limitedBy : session.ceilingIs
  // A larger guarantee is on its way: what the kernel holds back meanwhile passes then.
  return by === 'ceiling' && paid.session.raise === 'asked' ? paid : andStopped(paid, by)
}

/** What others have used up meanwhile is not there for this session. */
function narrowed(session: Session, { cap, budget }: Left): Step {
  const shared = cap === undefined ? undefined : bytes(session.downBytes + session.upBytes + cap)
  const most = budget === undefined ? session.ceiling : wei(session.promised + budget)
  const next: Session =
    most < session.ceiling
      ? { ...session, shared, ceiling: most, ceilingIs: 'budget' }
      : { ...session, shared }
  return cap === 0n ? stopped(next, 'cap') : quietly(next)
}

/** Asks for a larger guarantee before this one is used up, where it is what would end the session. */
function withRaise({ session, effects }: Step): Step {
  const { phase, attached, raise, lookedAtMs, ceiling, promised, raiseBelow, limitedBy, ceilingIs } = session
  const isRunning = (phase === 'running' || phase === 'suspended') && attached
  const mayAsk = raise !== 'asked' && raise.notBeforeMs <= lookedAtMs
  const endsSession = ceilingIs === 'ceiling' && (limitedBy === 'ceiling' || session.price.perHour > 0n)
  if (!isRunning || !mayAsk || !endsSession || ceiling - promised >= raiseBelow) return { session, effects }
  return { session: { ...session, raise: 'asked' }, effects: [...effects, { type: 'raise' }] }
}

/** A provider that holds everything back counts more than was paid: told the same total again, it knows what is lost. */
function repeated({ session, effects }: Step): Step {
  const { phase, attached, promised, base, accepted, lookedAtMs, silentSinceMs } = session
  if (phase !== 'suspended' || !attached) return { session, effects }
  if (effects.length > 0) return { session: { ...session, silentSinceMs: lookedAtMs }, effects }
  const isDue = lookedAtMs - silentSinceMs >= repeatEveryMs && accepted === promised && promised > base
  if (!isDue) return quietly(session)
  return {
    session: { ...session, silentSinceMs: lookedAtMs },
    effects: [{ type: 'promise', amount: promised }],
  }
}

function andStopped(paid: Step, reason: EndReason): Step {
  const next = stopped(paid.session, reason)
  return { session: next.session, effects: [...paid.effects, ...next.effects] }
}

const isSlow = ({ attached, unconfirmedSinceMs, lookedAtMs }: Session): boolean =>
  attached && unconfirmedSinceMs !== undefined && lookedAtMs - unconfirmedSinceMs > slowAfterMs

/** What is still out is waited for anew from each confirmation on. */
function confirmed(session: Session, amount: Wei): Session {
  if (amount <= session.accepted && session.accepted < session.promised) return session
  const accepted = larger(session.accepted, amount)
  return {
    ...session,
    accepted,
    unconfirmedSinceMs: accepted >= session.promised ? undefined : session.lookedAtMs,
  }
}

/** The same total again: acknowledged if it is known, news if it was lost on the way. */
function reattached(before: Session): Step {
  const isWaiting = before.unconfirmedSinceMs !== undefined
  const session = {
    ...before,
    attached: true,
    unconfirmedSinceMs: isWaiting ? before.lookedAtMs : undefined,
  }
  return session.phase === 'ended' || session.promised === session.base
    ? quietly(session)
    : { session, effects: [{ type: 'promise', amount: session.promised }] }
}

function halted(session: Session, count: Counted, atMs: number): Step {
  if (session.phase !== 'halting') return quietly(session)
  const last = withCount(aged(session, atMs), count)
  const paid = pay(last, owedIn(last))
  return {
    session: { ...paid.session, phase: 'settling' },
    effects: [...paid.effects, { type: 'end' }],
  }
}

/**
 * Signs what is owed by now: never more than was counted, and a tick where the provider forwards nothing ahead of payment, or
 * two seconds where it holds back; never above the ceiling, never less than before.
 */
function pay(session: Session, owed: Wei = dueIn(session)): Step {
  const due = smaller(wei(session.base + owed), session.ceiling)
  if (due <= session.promised) return quietly(session)
  return {
    session: {
      ...session,
      promised: due,
      promises: session.promises + 1,
      unconfirmedSinceMs: session.unconfirmedSinceMs ?? session.lookedAtMs,
    },
    effects: [{ type: 'promise', amount: due }],
  }
}

/**
 * A provider may have forwarded what was promised and its credit; beyond that only loss makes its count larger.
 * One that counts more still is not worth another megabyte.
 */
function compared(session: Session, theirs: Counted): Step {
  const own = chargedBytes(session)
  const claimed = chargedBytes(theirs)
  const withLoss = own + toleratedLoss(own)
  const paidFor = megabytesBegun(own) * bytesPerMegabyte
  const margin = session.credit === 0n ? bytesPerMegabyte : session.credit
  const unexplained = claimed - larger(withLoss, paidFor)
  if (unexplained <= margin / lossyPart) return quietly(session)
  if (unexplained <= margin) return { session, effects: [{ type: 'lossy' }] }
  return stopped(session, 'counts', `The provider counted ${claimed} bytes to charge, this machine ${own}.`)
}

function stopped(session: Session, reason: EndReason, message?: string): Step {
  if (session.phase !== 'running' && session.phase !== 'suspended') return quietly(session)
  return { session: { ...session, phase: 'halting', reason, message }, effects: [{ type: 'halt' }] }
}

/**
 * Counters only grow; a smaller reading is a reading gone wrong, and the larger one stands. What is beyond what others
 * left of the cap counts for nothing: neither here nor in the month.
 */
function withCount(session: Session, count: Counted): Session {
  const { shared } = session
  const within = (counted: bigint, other: bigint) =>
    bytes(shared === undefined ? counted : larger(0n, smaller(counted, shared - other)))
  const upBytes = larger(session.upBytes, within(count.upBytes, session.downBytes))
  return {
    ...session,
    upBytes,
    downBytes: larger(session.downBytes, within(count.downBytes, upBytes)),
    downPackets: larger(session.downPackets, count.downPackets),
    upPackets: larger(session.upPackets, count.upPackets),
  }
}

/** Time passes, and costs while traffic can flow. */
const aged = (session: Session, atMs: number): Session => ({
  ...session,
  forwardingMs:
    session.forwardingMs + (session.phase === 'suspended' ? 0 : Math.max(0, atMs - session.lookedAtMs)),
  lookedAtMs: Math.max(atMs, session.lookedAtMs),
})

const quietly = (session: Session): Step => ({ session, effects: [] })
