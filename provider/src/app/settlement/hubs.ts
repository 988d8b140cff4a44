import { type Address, type Hex, hasRole } from '@pontage/shared'
import { readStanding, UserError } from '@pontage/shared/node'
import type { ProtestDelays } from '../../core/protestPlan.js'
import { type HubLink, keepHubLink } from '../../io/link/hubLink.js'
import type { Components } from '../components.js'
import type { Sessions } from '../metering/sessions.js'
import type { CreditLines } from '../promises/creditLines.js'
import type { ExposureGate } from '../promises/exposureGate.js'
import { exposureLimit, type Settings } from '../settings.js'
import { presentHoldings } from './presentHoldings.js'
import { createReleaseRequest } from './releaseRequest.js'
import { Settlement } from './settlement.js'

/** Our hubs: how we reach them, and what we settle with them. */
export interface Hubs {
  readonly links: ReadonlyMap<Address, HubLink>
  readonly settlements: ReadonlyMap<Address, Settlement>
  /** Waits for what is being settled, then hangs up. */
  close(): Promise<void>
}

/** Clears that a hub may miss before it counts as silent. */
const clearsMissed = 10

/** @throws UserError when one of the hubs we are to offer is none. */
export async function demandHubs(
  { chain }: Pick<Components, 'chain'>,
  hubs: readonly Address[],
): Promise<void> {
  for (const hub of hubs)
    if (!hasRole(await readStanding(chain, hub), 'hub'))
      throw new UserError(`${hub} is not registered as a hub on this chain. Check --hub and --deployment.`)
}

/** Connects to the hubs we offer, and to those we no longer offer but hold promises under. */
export function joinHubs(
  components: Components,
  settings: Settings,
  context: {
    readonly lines: CreditLines
    readonly sessions: Sessions
    readonly gate: ExposureGate
    readonly delays: ProtestDelays
  },
): Hubs {
  const { identity, typedData, clock, chain, promises, log } = components
  const { lines, sessions, gate, delays } = context
  const links = new Map<Address, HubLink>()
  const settlements = new Map<Address, Settlement>()
  const release = createReleaseRequest(components, {
    lines,
    sessions,
    settlementWith: (hub) => settlements.get(hub),
    maxGuaranteeSeconds: delays.maxGuarantee,
  })
  const guaranteed = (channelId: Hex) => {
    const ceiling = lines.refresh(channelId)?.ceiling
    if (ceiling !== undefined) sessions.guaranteed(channelId, ceiling)
  }

  async function broken(hub: Address, problem: string): Promise<void> {
    for (const { record } of sessions.all())
      if (record.hub === hub) await sessions.end(record.id, { code: 'hub-unsound', hub, problem })
  }

  for (const hub of new Set([...settings.hubs, ...promises.hubs()])) {
    const link = keepHubLink({
      hub,
      findUrl: async () => (await readStanding(chain, hub)).url,
      identity,
      typedData,
      clock,
      handlers: { requests: { release } },
      joined: (fresh) =>
        presentHoldings(components, hub, fresh, { forgot: () => settlements.get(hub)?.showAllAgain() }),
      log,
    })
    links.set(hub, link)
    const rule = {
      redeem: settings.redeem,
      coinPrice: settings.coinPrice,
      exposure: exposureLimit(settings, hub),
      silentAfterSeconds: clearsMissed * settings.clearEverySeconds,
    }
    const events = {
      guaranteed,
      broken: (problem: string) => void broken(hub, problem),
      settled: () => gate.settled(hub),
    }
    settlements.set(hub, new Settlement(components, hub, link, rule, delays, events))
  }
  return {
    links,
    settlements,
    async close() {
      await Promise.all([...settlements.values()].map((settlement) => settlement.idle()))
      for (const link of links.values()) link.close()
    },
  }
}
