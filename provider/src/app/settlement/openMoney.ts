import { type Closers, readChannelSettings } from '@pontage/shared/node'
import type { ProtestDelays } from '../../core/protestPlan.js'
import type { Components } from '../components.js'
import type { LiveSession } from '../metering/liveSession.js'
import type { Tunnels } from '../metering/raiseTunnels.js'
import { Sessions } from '../metering/sessions.js'
import { CreditLines } from '../promises/creditLines.js'
import { ExposureGate } from '../promises/exposureGate.js'
import { exposureLimit, type Settings } from '../settings.js'
import { type Hubs, joinHubs } from './hubs.js'

/** All that a megabyte's money passes through: credit line, exposure gate, session, hub. */
export interface Money {
  readonly lines: CreditLines
  readonly gate: ExposureGate
  readonly sessions: Sessions
  readonly hubs: Hubs
  readonly delays: ProtestDelays
}

/** Builds what counts, accepts and settles; the sessions end before the hubs are left. */
export async function openMoney(
  components: Components,
  settings: Settings,
  { machine, firewall }: Tunnels,
  closers: Closers,
  events: {
    /** A session ended, for this reason. */
    readonly ended: (live: LiveSession, code: string) => void
    /** Its consumer hung up: its addresses may be given away again. */
    readonly left: (live: LiveSession) => void
    /** Milliseconds that a round over all sessions took. */
    readonly took: (ms: number) => void
    /** The kernel cannot be read or written any more. */
    readonly failed: (error: unknown) => void
  },
): Promise<Money> {
  const { chain, clock, promises, log } = components
  const delays = await readChannelSettings(chain)
  const lines = new CreditLines(promises)
  const sessions = new Sessions(components, machine, firewall, {
    ended: (live, code) => {
      events.ended(live, code)
      void hubs.settlements.get(live.record.hub)?.settle()
    },
    left: events.left,
    took: events.took,
    failed: events.failed,
  })
  const gate = new ExposureGate(
    promises,
    (hub) => exposureLimit(settings, hub),
    () => clock.elapsedMs(),
    {
      pass: (channelId, total) => sessions.promised(channelId, total),
      draw: (hub) => void hubs.settlements.get(hub)?.bringIn(),
      held: (hub, limit) => log.warn('traffic waits for a draw', { hub, limit }),
    },
  )
  const hubs = joinHubs(components, settings, { lines, sessions, gate, delays })
  // What ends last is still cleared.
  closers.opened('the hubs', hubs)
  closers.add('the sessions', () => sessions.stop())
  return { lines, gate, sessions, hubs, delays }
}
