import { type Address, type Hex, roles, type Wei } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import type { ProtestDelays } from '../../core/protestPlan.js'
import { readHub } from '../../io/chain/chainViews.js'
import { type HubLink, keepHubLink } from '../../io/link/hubLink.js'
import type { Parts } from '../components.js'
import type { Sessions } from '../metering/sessions.js'
import type { CreditLines } from '../promises/creditLines.js'
import { ExposureGate } from '../promises/exposureGate.js'
import { exposureLimit, type Settings } from '../settings.js'
import { presentPapers } from './presentHoldings.js'
import { createReleaseDesk } from './releaseRequest.js'
import { Settlement } from './settlement.js'

/** Our hubs: how we reach them, and what we settle with them. */
export interface Hubs {
  readonly links: ReadonlyMap<Address, HubLink>
  readonly settlements: ReadonlyMap<Address, Settlement>
  /** A larger promise is on disk: worth traffic, unless so much is open that some has to be drawn first. */
  promised(hub: Address, channelId: Hex, total: Wei): void
  close(): void
}

/** Clears that a hub may miss before it counts as silent. */
const clearsMissed = 10

/** @throws UserError when one of the hubs we are to offer is none. */
export async function demandHubs({ chain }: Pick<Parts, 'chain'>, hubs: readonly Address[]): Promise<void> {
  for (const hub of hubs)
    if (((await readHub(chain, hub)).roles & roles.hub) === 0)
      throw new UserError(`${hub} is not registered as a hub on this chain. Check --hub and --deployment.`)
}

/** Connects to the hubs we offer, and to those we no longer offer but hold promises under. */
export function joinHubs(
  parts: Parts,
  settings: Settings,
  desk: { readonly lines: CreditLines; readonly sessions: Sessions; readonly delays: ProtestDelays },
): Hubs {
  const { identity, typedData, clock, chain, promises, log } = parts
  const { lines, sessions, delays } = desk
  const links = new Map<Address, HubLink>()
  const settlements = new Map<Address, Settlement>()
  const limitOf = (hub: Address) => exposureLimit(settings, hub)
  const gate = new ExposureGate(promises, limitOf, () => clock.elapsedMs(), {
    pass: (channelId, total) => sessions.promised(channelId, total),
    draw: (hub) => void settlements.get(hub)?.bringIn(),
    held: (hub, limit) => log.warn('traffic waits for a draw', { hub, limit }),
  })
  const release = createReleaseDesk(parts, {
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
      findUrl: async () => (await readHub(chain, hub)).url,
      identity,
      typedData,
      clock,
      handlers: { requests: { release } },
      joined: (fresh) =>
        presentPapers(parts, hub, fresh, { forgot: () => settlements.get(hub)?.showAllAgain() }),
      log,
    })
    links.set(hub, link)
    const rule = {
      redeem: settings.redeem,
      coinPrice: settings.coinPrice,
      exposure: limitOf(hub),
      silentAfterSeconds: clearsMissed * settings.clearEverySeconds,
    }
    const told = {
      guaranteed,
      broken: (problem: string) => void broken(hub, problem),
      settled: () => gate.settled(hub),
    }
    settlements.set(hub, new Settlement(parts, hub, link, rule, delays, told))
  }
  return {
    links,
    settlements,
    promised: (hub, channelId, total) => gate.promised(hub, channelId, total),
    close() {
      for (const link of links.values()) link.close()
    },
  }
}
