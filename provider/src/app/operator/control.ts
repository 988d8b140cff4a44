import { type ControlHandlers, type GasWatch, UserError } from '@pontage/shared/node'
import { type BandwidthLimits, formatBandwidth, parseBandwidth } from '../../core/bandwidth.js'
import { owed } from '../../core/session.js'
import type { Firewall } from '../../io/kernel/firewall.js'
import type { Components } from '../components.js'
import type { LiveSession } from '../metering/liveSession.js'
import type { PathMtus } from '../metering/pathMtus.js'
import type { Sessions } from '../metering/sessions.js'
import type { Reached } from '../offer/reach.js'
import type { Retirement } from '../retirement/drain.js'
import { examinedOf, type Settings } from '../settings.js'
import type { Upkeep } from '../upkeep/upkeep.js'

/** A running session as its owner sees it: who, how much and when, never where to. */
export interface SessionView {
  readonly session: string
  readonly consumer: string
  readonly channelId: string
  readonly hub: string
  /** Unix seconds. */
  readonly startedAt: number
  readonly phase: string
  readonly address: string
  readonly downBytes: bigint
  readonly upBytes: bigint
  /** Wei of this session: owed by our count, promised by its consumer. */
  readonly owed: bigint
  readonly promised: bigint
  readonly promises: number
  /** Connections on which it can pay. */
  readonly links: number
  /** Bytes of the largest packet that its path takes through the tunnel. */
  readonly mtu: number
}

/** Answers the owner's commands about what runs now. */
export function createControl(
  { log }: Pick<Components, 'log'>,
  view: {
    readonly sessions: Sessions
    readonly firewall: Pick<Firewall, 'limits' | 'limit'>
    readonly gas: GasWatch
    readonly reach: () => Promise<Reached[]>
    readonly pathMtus: Pick<PathMtus, 'of'>
    readonly retirement: Pick<Retirement, 'begin'>
    readonly upkeep: Pick<Upkeep, 'look'>
    readonly settings: Settings
  },
): ControlHandlers {
  const { sessions, firewall, gas, reach, pathMtus, retirement, upkeep, settings } = view
  const views = () => sessions.all().map((live) => viewOf(live, pathMtus.of(live)))
  const text = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '')

  return {
    sessions: async () => views(),
    status: async () => ({
      sessions: views(),
      limits: limitsText(firewall.limits()),
      gasCoins: gas.balance() ?? null,
      faults: await upkeep.look(false),
    }),
    settings: async () => examinedOf(settings),
    way: () => upkeep.look(true),
    retire: ({ now }) => retirement.begin(now === true),
    reach,
    async kick({ who }) {
      const wanted = text(who)
      const chosen = sessions
        .all()
        .filter(({ record }) => wanted !== '' && (record.consumer === wanted || record.id === wanted))
      if (chosen.length === 0)
        throw new UserError(
          `There is no running session "${wanted}", or of that identity. See: pontage-provider sessions.`,
        )
      for (const { record } of chosen) {
        log.info('kicked', { session: record.id, consumer: record.consumer })
        await sessions.end(record.id, { code: 'kicked' })
      }
      return chosen.map(({ record }) => record.id)
    },
    async limit({ total, session }) {
      const now = firewall.limits()
      const limits: BandwidthLimits = {
        total: total === undefined ? now.total : parseBandwidth(String(total)),
        session: session === undefined ? now.session : parseBandwidth(String(session)),
      }
      await firewall.limit(limits)
      const shown = limitsText(firewall.limits())
      log.info('limits changed', shown)
      return shown
    },
  }
}

/** Limits as they are written in a setting. */
export const limitsText = ({ total, session }: BandwidthLimits) => ({
  total: formatBandwidth(total),
  session: formatBandwidth(session),
})

const viewOf = ({ record, session, addresses, links }: LiveSession, mtu: number): SessionView => ({
  session: record.id,
  consumer: record.consumer,
  channelId: record.channelId,
  hub: record.hub,
  startedAt: record.startedAt,
  phase: session.phase,
  address: addresses.address4,
  downBytes: session.reading.downBytes,
  upBytes: session.reading.upBytes,
  owed: owed(session) - session.base,
  promised: session.promised - session.base,
  promises: session.promises,
  links: links.size,
  mtu,
})
