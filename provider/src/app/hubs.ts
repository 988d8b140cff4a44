import { type Address, type Hex, roles } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import { readHub } from '../io/chainViews.js'
import { type HubLink, keepHubLink } from '../io/hubLink.js'
import type { CreditLines } from './creditLines.js'
import type { Parts } from './parts.js'
import { createReleaseDesk } from './releaseDesk.js'
import type { Sessions } from './sessions.js'
import type { Settings } from './settings.js'
import { Settlement } from './settle.js'

/** Our hubs: how we reach them, and what we settle with them. */
export interface Hubs {
  readonly links: ReadonlyMap<Address, HubLink>
  readonly settlements: ReadonlyMap<Address, Settlement>
  close(): void
}

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
  desk: { readonly lines: CreditLines; readonly sessions: Sessions; readonly maxGuaranteeSeconds: number },
): Hubs {
  const { identity, typedData, clock, chain, promises, log } = parts
  const { lines, sessions, maxGuaranteeSeconds } = desk
  const links = new Map<Address, HubLink>()
  const settlements = new Map<Address, Settlement>()
  const release = createReleaseDesk(parts, {
    lines,
    sessions,
    settlementWith: (hub) => settlements.get(hub),
    maxGuaranteeSeconds,
  })
  const guaranteed = (channelId: Hex) => {
    const ceiling = lines.refresh(channelId)?.ceiling
    if (ceiling !== undefined) sessions.guaranteed(channelId, ceiling)
  }
  for (const hub of new Set([...settings.hubs, ...promises.hubs()])) {
    const link = keepHubLink({
      hub,
      findUrl: async () => (await readHub(chain, hub)).url,
      identity,
      typedData,
      clock,
      handlers: { requests: { release } },
      log,
    })
    links.set(hub, link)
    settlements.set(
      hub,
      new Settlement(parts, hub, link, settings.redeem, maxGuaranteeSeconds, { guaranteed }),
    )
  }
  return {
    links,
    settlements,
    close() {
      for (const link of links.values()) link.close()
    },
  }
}
