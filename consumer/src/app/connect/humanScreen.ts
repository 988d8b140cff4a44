import {
  amountText,
  countOf,
  formatBytes,
  formatPrice,
  printable,
  type TokenNames,
  type Wei,
} from '@pontage/shared'
import { withTokens } from '@pontage/shared/node'
import { capLeft } from '../../core/cap.js'
import type { CarrierName } from '../../core/carrier.js'
import { liveLine, wrapped } from '../../core/screen.js'
import { spentIn } from '../../core/session.js'
import type { PartName } from '../../io/kernel/upkeep.js'
import type { SessionReport } from '../session/runSession.js'
import { sentenceOfEnd, whatFollows } from './endings.js'
import { offerLine } from './offerLine.js'
import type { MostToSpend, Screen } from './screen.js'
import { budgetLeft, sums, usedIn } from './sums.js'

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
      line(`${whatFollows(session)} Until then, nothing leaves this machine.`)
    },
    ended(session, sessions) {
      const reason = session.reason ?? 'provider'
      const { downBytes, upBytes, promises, spent, seconds } = sums(sessions)
      const through = sessions.length === 1 ? '' : ` through ${sessions.length} sessions`
      line(`Ended: ${sentenceOfEnd(session)}`)
      line(
        `Receipt: down ${formatBytes(BigInt(downBytes))}, up ${formatBytes(BigInt(upBytes))} in ${seconds} s${through}; ${countOf(promises, 'promise')}, spent ${tokens(spent)} (total with this provider ${tokens(session.promised)}).`,
      )
      if (reason !== 'user')
        line('The kill switch stays on: nothing leaves this machine until you run "pontage disconnect".')
    },
  }
}

const eraseLine = '\r\u001b[K'
const ticksBetweenLines = 10
/** Reports of progress, one a second, for which payment has to be missing before it is told. */
export const ticksBeforeSuspended = 3
const unlimitedColumns = 1_000

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
