import {
  type Address,
  amountText,
  type Bytes,
  bytes,
  formatBytes,
  formatPrice,
  type Hex,
  type Price,
  printable,
  type TokenNames,
  type Wei,
  wei,
} from '@pontage/shared'
import { jsonEvents, withTokens } from '@pontage/shared/node'
import { capLeft } from '../../core/cap.js'
import type { CarrierName } from '../../core/carrier.js'
import type { Choice, Offer } from '../../core/choose.js'
import type { StoredReceipt } from '../../core/journalEntry.js'
import type { Left } from '../../core/limits.js'
import { liveLine, wrapped } from '../../core/screen.js'
import { type EndReason, type Guaranteed, type Session, spentIn } from '../../core/session.js'
import type { PathMtu } from '../../io/kernel/pathMtu.js'
import type { Interference, PartName } from '../../io/kernel/upkeep.js'
import type { SessionReport } from '../session/runSession.js'
import type { Step } from './timings.js'

/** Most that a connect can cost, and what holds it there: the user's budget, ours, or what the channel holds. */
export interface MostToSpend {
  readonly amount: Wei
  readonly because: 'budget' | 'default' | 'channel' | 'top-ups'
}

/** What `connect` tells, for a person or for a program. */
export interface Screen {
  /** @param isNamed - Whether its user named this provider, whatever others cost. */
  chosen(
    choice: Choice & { chosen: NonNullable<Choice['chosen']> },
    most: MostToSpend,
    isNamed: boolean,
  ): void
  /** A provider that was asked did not begin to serve; the next one is asked. */
  refused(refused: { provider: Address; code: string | undefined; message: string }): void
  opened(channel: { channelId: Hex; hub: Address; relayFees: Wei }): void
  /** An empty channel was refilled before anything is connected. @param sentence - What was added */
  refilled(sentence: string): void
  connected(tunnel: {
    provider: Address
    country: string
    price: Price
    /** What cap and budget have left as this session begins, and what the channel has free. */
    atStart: { left: Left; channel: Wei }
    interface: string
    wireguard: 'kernel' | 'userspace'
    address4: string
    address6: string
    gateway4: string
    dns: readonly string[]
    /** Bytes after which the kernel stops everything; undefined when nothing does. */
    limit: Bytes | undefined
    /** What it follows from: a guarantee is raised on the way. */
    limitedBy: Guaranteed['limitedBy']
    /** The namespace of programs, where the tunnel is not for the whole machine. */
    netns: string | undefined
    path: PathMtu
    carrier: CarrierName
    /** What everything outside goes through, without its password; null where it goes straight. */
    proxy: string | null
    /** Whether what was recorded of it stays closed to a quantum computer. */
    postQuantum: boolean
    stepsMs: Partial<Record<Step, number>>
  }): void
  /** @param budget - Of this session; undefined where nothing limits it. */
  report(report: SessionReport, budget: Wei | undefined): void
  /** Somebody else changed what the connection relies on: it was put back, or could not be. */
  interfered(interference: Interference): void
  /** The tunnel's packets travel by something else from now on; the session goes on. */
  carried(carrier: CarrierName): void
  /** Something that was wanted is not there; the connection goes on. */
  warned(sentence: string): void
  /** A provider failed; the kill switch stands, and the next one is asked. */
  failedOver(session: Session, receipt: StoredReceipt): void
  /** All is over. @param sessions - Every session there was, at least one; the last one is `session`. */
  ended(session: Session, sessions: Sessions): void
}

/** One event a line, for programs. Amounts are decimal strings of the token's smallest unit. */
export function jsonScreen(write: (line: string) => void): Screen {
  const say = jsonEvents(write)
  return {
    chosen({ chosen: { offer, hub }, others, unfit }, most) {
      const { proposal, price, standing } = offer
      say('chosen', {
        provider: proposal.provider,
        price: price.perMegabyte,
        pricePerHour: price.perHour,
        country: proposal.country,
        endpoint: proposal.endpoint,
        hub,
        stake: standing.stake,
        faults: standing.faults,
        debt: standing.debt,
        others: others.map((each) => ({ provider: each.proposal.provider, price: each.price.perMegabyte })),
        unfit: unfit.map((each) => ({ provider: each.offer.proposal.provider, reason: each.reason })),
        mostToSpend: most.amount,
        mostBecause: most.because,
      })
    },
    refused: ({ provider, code, message }) => say('refused', { provider, code: code ?? null, message }),
    opened: (channel) => say('opened', channel),
    refilled: (message) => say('topped-up', { message }),
    connected: ({
      provider,
      country,
      price,
      interface: name,
      wireguard,
      address4,
      address6,
      gateway4,
      limit,
      netns,
      path,
      carrier,
      proxy,
      postQuantum,
      stepsMs,
    }) =>
      say('connected', {
        provider,
        country,
        price: price.perMegabyte,
        pricePerHour: price.perHour,
        interface: name,
        wireguard,
        address: address4,
        address6,
        gateway: gateway4,
        limitBytes: limit === undefined ? null : Number(limit),
        netns: netns ?? null,
        ...path,
        carrier,
        proxy,
        postQuantum,
        stepsMs,
      }),
    report({ kind, session, bytesPerSecond, latencyMs, message }, budget) {
      if (kind !== 'progress')
        return say(kind, {
          promised: session.promised,
          accepted: session.accepted,
          ceiling: session.ceiling,
          ...(message === undefined ? {} : { message }),
        })
      say('progress', {
        downBytes: Number(session.downBytes),
        upBytes: Number(session.upBytes),
        bytesPerSecond: Math.round(bytesPerSecond),
        spent: spentIn(session),
        capLeft: session.limit === undefined ? null : Number(capLeft(session.limit, usedIn(session))),
        budgetLeft: budgetLeft(budget, session) ?? null,
        promises: session.promises,
        latencyMs: latencyMs === undefined ? null : Math.round(latencyMs * 10) / 10,
      })
    },
    interfered: ({ part, problem }) => say('interfered', { part, problem: problem ?? null }),
    carried: (carrier) => say('carrier', { carrier }),
    warned: (message) => say('warning', { message }),
    failedOver: (session, receipt) =>
      say('failed-over', {
        provider: receipt.provider,
        reason: session.reason,
        message: session.message ?? null,
        receipt: signedPart(receipt),
      }),
    ended(session, sessions) {
      const receipts = sessions.map(({ receipt }) => signedPart(receipt))
      say('ended', {
        reason: session.reason,
        message: session.message ?? null,
        ...sums(sessions),
        receipt: receipts.at(-1),
        receipts,
      })
    },
  }
}

/**
 * Sentences, and on a terminal one line that lives.
 *
 * @param terminal - Its width now; undefined when nobody looks: then the live line becomes a line now and then.
 * @param isVerbose - Whether to tell whom else there was, and how packets travel.
 */
export function humanScreen(
  write: (text: string) => void,
  token: TokenNames,
  terminal: (() => number) | undefined,
  isVerbose = false,
): Screen {
  let carrier: CarrierName = 'udp'
  let isLineOpen = false
  let quietTicks = 0
  let suspendedTicks = 0
  const line = (text: string) => {
    // Some of it strangers wrote: a provider's country, a refusal's words.
    const shown = withTokens(printable(text), token)
    const broken = terminal ? wrapped(shown, terminal()) : shown
    write(`${isLineOpen ? eraseLine : ''}${broken}\n`)
    isLineOpen = false
  }
  const tokens = (amount: Wei) => amountText(amount, token)
  return {
    chosen({ chosen: { offer, hub }, others, unfit }, most, isNamed) {
      line(`${offerLine(offer, token)}  chosen: ${isNamed ? 'the one you named' : 'the cheapest that fits'}`)
      if (isVerbose) {
        for (const each of others) line(`${offerLine(each, token)}  suitable`)
        for (const each of unfit) line(`${offerLine(each.offer, token)}  not taken: ${each.reason}`)
        line(`Paying through hub ${hub}.`)
      } else if (!isNamed && others.length + unfit.length > 0) {
        const counts = [
          ...(others.length > 0 ? [`${others.length} suitable`] : []),
          ...(unfit.length > 0 ? [`${unfit.length} not suitable`] : []),
        ]
        line(`Other offers: ${counts.join(', ')}; -v shows them.`)
      }
      line(`This connection costs at most ${tokens(most.amount)}: ${mosts[most.because]}.`)
    },
    refused: ({ provider, message }) => line(`${provider} refused: ${message}`),
    opened: ({ channelId, relayFees }) =>
      line(`Opened channel ${channelId}; the hub charged ${tokens(relayFees)} for sending it.`),
    refilled: line,
    connected({
      provider,
      country,
      price,
      interface: name,
      wireguard,
      address4,
      limit,
      limitedBy,
      netns,
      path,
      postQuantum,
      ...how
    }) {
      carrier = how.carrier
      const where = wireguard === 'kernel' ? 'the kernel' : 'wireguard-go'
      const guarded =
        netns === undefined
          ? 'The kill switch is on.'
          : `Only programs in the namespace ${netns} use it. Start them with "pontage exec": "ip netns exec" lets them ask this machine’s name services.`
      const cost = formatPrice(price.perMegabyte, price.perHour, token)
      const tunnel = isVerbose ? `: ${name}, WireGuard in ${where}, address ${address4}` : ''
      line(`Connected to ${provider} in ${country}, at ${cost}${tunnel}. ${guarded}`)
      if (isVerbose || carrier !== 'udp')
        line(`Packets of up to ${path.mtu} bytes: ${path.because}. They travel by ${carrierNames[carrier]}.`)
      if (!postQuantum)
        line(
          'This provider runs an older version: a quantum computer may one day read what somebody records of this tunnel today.',
        )
      const most =
        limit === undefined || limitedBy === 'ceiling' ? '' : `Traffic stops after ${formatBytes(limit)}. `
      line(`${most}Press Ctrl-C to disconnect.`)
    },
    report(report, budget) {
      const { kind, session } = report
      if (kind === 'low')
        return line(
          `The hub’s guarantee is nearly used up; the session ends when it is. ${report.message ?? ''}`,
        )
      if (kind === 'topped-up' || kind === 'not-topped-up') return line(report.message ?? '')
      if (kind === 'suspended') return
      if (kind === 'resumed') {
        // A pause between two payments is nothing that somebody has to do something about.
        if (suspendedTicks >= ticksBeforeSuspended) line(moments.resumed)
        suspendedTicks = 0
        return
      }
      if (kind !== 'progress') return line(moments[kind])
      suspendedTicks = session.phase === 'suspended' ? suspendedTicks + 1 : 0
      if (suspendedTicks === ticksBeforeSuspended) line(moments.suspended)
      if (!terminal && quietTicks++ % ticksBetweenLines !== 0) return
      const text = liveLine(
        {
          state: suspendedTicks >= ticksBeforeSuspended ? 'suspended' : 'connected',
          downBytes: session.downBytes,
          upBytes: session.upBytes,
          bytesPerSecond: report.bytesPerSecond,
          spent: spentIn(session),
          capLeft: session.limit === undefined ? undefined : capLeft(session.limit, usedIn(session)),
          budgetLeft: budgetLeft(budget, session),
          latencyMs: report.latencyMs,
          carrier,
        },
        token,
        terminal ? terminal() : unlimitedColumns,
      )
      if (!terminal) return line(text)
      write(`${eraseLine}${text}`)
      isLineOpen = true
    },
    interfered: ({ part, problem }) =>
      line(
        problem === undefined
          ? `Something else changed ${partNames[part]}; it was put back.`
          : `Something else changed ${partNames[part]}, and it cannot be put back: ${problem}`,
      ),
    carried(moved) {
      carrier = moved
      line(`The tunnel travels by ${carrierNames[carrier]} from now on; the session goes on.`)
    },
    warned: line,
    failedOver(session, receipt) {
      line(`This session ended: ${sentenceOfEnd(session)} Spent on it: ${tokens(receipt.spent)}.`)
      line('Looking for the next provider. Until then, nothing leaves this machine.')
    },
    ended(session, sessions) {
      const reason = session.reason ?? 'provider'
      const { downBytes, upBytes, promises, spent, seconds } = sums(sessions)
      const through = sessions.length === 1 ? '' : ` through ${sessions.length} sessions`
      line(`Ended: ${sentenceOfEnd(session)}`)
      line(
        `Receipt: down ${formatBytes(BigInt(downBytes))}, up ${formatBytes(BigInt(upBytes))} in ${seconds} s${through}; ${promises} promise${promises === 1 ? '' : 's'}, spent ${tokens(spent)} (total with this provider ${tokens(session.promised)}).`,
      )
      if (reason !== 'user')
        line('The kill switch stays on: nothing leaves this machine until you run "pontage disconnect".')
    },
  }
}

/** One provider in one line. */
export function offerLine({ proposal, price, standing }: Offer, token: TokenNames): string {
  const tokens = (amount: Wei) => amountText(amount, token)
  const faults =
    standing.faults === 0 ? 'no faults' : `${standing.faults} fault${standing.faults === 1 ? '' : 's'}`
  const debt = standing.debt === 0n ? '' : `, debt ${tokens(standing.debt)}`
  return `${proposal.provider}  ${proposal.country}  ${formatPrice(price.perMegabyte, price.perHour, token)}  stake ${tokens(standing.stake)}, ${faults}${debt}`
}

/** Why a session ended, in words. */
export const sentenceOfEnd = ({ reason, message }: Session): string =>
  `${endings[reason ?? 'provider']}${message === undefined ? '' : ` ${message}`}`

/** The same of a session that was kept, by a version that may have had other reasons. */
export const endingOf = (reason: string): string => endings[reason as EndReason] ?? `${reason}.`

type Sessions = readonly { readonly session: Session; readonly receipt: StoredReceipt }[]

/** What all sessions of a connection come to. */
function sums(sessions: Sessions) {
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

/** What of a receipt is signed, and the signature. */
const signedPart = (receipt: StoredReceipt) => ({
  provider: receipt.provider,
  channelId: receipt.channelId,
  amount: receipt.amount,
  bytes: receipt.bytes,
  throughputKbps: receipt.throughputKbps,
  score: receipt.score,
  endedAt: receipt.endedAt,
  signature: receipt.signature,
})

const eraseLine = '\r\u001b[K'
const ticksBetweenLines = 10
/** Reports of progress, one a second, for which payment has to be missing before it is told. */
export const ticksBeforeSuspended = 3
const unlimitedColumns = 1_000

/** Tokens that may still be spent; undefined without a budget. */
export const budgetLeft = (budget: Wei | undefined, session: Session): Wei | undefined =>
  budget === undefined ? undefined : wei(budget - spentIn(session))

const usedIn = (session: Session): Bytes => bytes(session.downBytes + session.upBytes)

const moments: Record<
  Exclude<SessionReport['kind'], 'progress' | 'low' | 'topped-up' | 'not-topped-up'>,
  string
> = {
  suspended:
    'Suspended: the provider has waited for payment for some seconds. "pontage doctor" looks for the cause.',
  resumed: 'Resumed.',
  reconnecting: 'The provider does not answer; trying again. Nothing gets past the tunnel meanwhile.',
  reconnected: 'The provider answers again.',
  raised: 'The hub guarantees more; the session goes on.',
}

const carrierNames: Record<CarrierName, string> = {
  udp: 'UDP',
  wss: 'TLS to the provider’s payment port (wss)',
}

const partNames: Record<PartName, string> = {
  firewall: 'the firewall',
  guests: 'the bridges of containers',
  bypass: 'what ran beside the tunnel',
  forwarding: 'forwarding for the network behind this machine',
  routes: 'the routes',
  devices: 'the rules for programs that are bound to a device',
  way: 'the way into the tunnel',
  wall: 'the rules that answer "unreachable"',
  resolver: 'the resolver',
}

const mosts: Record<MostToSpend['because'], string> = {
  budget: 'your budget',
  default: 'set by default, since no --budget was given',
  channel: 'what the channel holds',
  'top-ups': 'what the channel holds, and what may be added to it this month',
}

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
