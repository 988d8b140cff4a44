import { type Handlers, readStanding } from '@pontage/shared/node'
import type { AddressPool } from '../../core/addressPool.js'
import { OpenTerms } from '../../core/openTerms.js'
import type { Components } from '../components.js'
import type { Carriers } from '../metering/carriers.js'
import type { PathMtus } from '../metering/pathMtus.js'
import { acceptPromises } from '../promises/acceptPromise.js'
import type { Settings } from '../settings.js'
import type { Money } from '../settlement/openMoney.js'
import type { AdmissionContext, TunnelEnd } from './admissionContext.js'
import { createConsumerRequests, type ServiceState } from './consumerRequests.js'
import { Standings } from './standings.js'

/** Answers consumers on whatever socket they come, from the terms to the last promise. */
export function answerConsumers(
  components: Components,
  settings: Settings,
  { sessions, lines, gate, hubs, delays }: Money,
  place: {
    readonly pool: AddressPool
    readonly lendingSecret: Uint8Array
    readonly tunnelEnd: () => TunnelEnd
    readonly price: AdmissionContext['price']
    readonly state: () => ServiceState
    readonly fitPath: PathMtus['fit']
    readonly carriers: Pick<Carriers, 'carry' | 'take'>
  },
  failed: (error: unknown) => void,
): Handlers {
  const { chain, clock } = components
  return createConsumerRequests(components, {
    ...{ settings, sessions, lines, openTerms: new OpenTerms(), ...place },
    standings: new Standings(
      (identity) => readStanding(chain, identity),
      () => clock.elapsedMs(),
    ),
    hubs: new Map([...hubs.links].filter(([hub]) => settings.hubs.includes(hub))),
    suspicion: (hub) => hubs.settlements.get(hub)?.suspicion,
    maxGuaranteeSeconds: delays.maxGuarantee,
    frame: acceptPromises(components, lines, sessions, gate, {
      paidLate: (hub) => void hubs.settlements.get(hub)?.settle(),
      failed,
    }),
  })
}
