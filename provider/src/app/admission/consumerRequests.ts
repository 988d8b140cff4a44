import { type RequestType, refuse } from '@pontage/shared'
import type { Handlers, Link } from '@pontage/shared/node'
import type { Components } from '../components.js'
import type { Carriers } from '../metering/carriers.js'
import type { PathMtus } from '../metering/pathMtus.js'
import type { AdmissionContext } from './admissionContext.js'
import { createGiveTerms } from './giveTerms.js'
import { createOpenSession } from './openSession.js'
import { createRaiseGuarantee } from './raiseGuarantee.js'

/**
 * What requests cost in those of the usual kind. These are taken on to the hub, which charges us for them: without this,
 * one consumer could use up all that the hub lets us ask, and we could not clear.
 */
const costs: Partial<Record<RequestType, number>> = { open: 10, raise: 10 }

/** Whether consumers are served. */
export type ServiceState = 'opening' | 'open' | 'closing'

/**
 * What consumers may ask of us, the same on the public socket and on the one inside the tunnel.
 *
 * @param frame - Takes their micro-promises.
 * @param fitPath - Told the largest packet that came through the tunnel to a consumer, whole.
 * @param carriers - Carry packets of tunnels over connections.
 */
export function createConsumerRequests(
  components: Components,
  context: AdmissionContext & {
    readonly state: () => ServiceState
    readonly frame: NonNullable<Handlers['frame']>
    readonly fitPath: PathMtus['fit']
    readonly carriers: Pick<Carriers, 'carry' | 'take'>
  },
): Handlers {
  const { sessions, state, frame, fitPath, carriers } = context
  const giveTerms = createGiveTerms(components, context)
  const openSession = createOpenSession(components, context)
  const raiseGuarantee = createRaiseGuarantee(components, context)
  const closed = refuse({ code: 'provider-stopping' })

  async function end(id: string, link: Link) {
    const known = sessions.attach(id, link)
    if (!known.ok) return known
    const account = await sessions.end(id, { code: 'requested' })
    return account === undefined
      ? refuse({ code: 'unknown-session', session: id })
      : { ok: true as const, value: account }
  }

  return {
    requests: {
      terms: (params, link) => (state() === 'open' ? giveTerms(params, link) : closed),
      open: (params, link) => (state() === 'open' ? openSession(params, link) : closed),
      raise: raiseGuarantee,
      async attach({ session, mtu }, link) {
        const attached = sessions.attach(session, link)
        if (!attached.ok) return attached
        const live = sessions.find(session)
        if (live && mtu !== undefined) await fitPath(live, link, mtu)
        return { ok: true, value: { promised: attached.session.promised } }
      },
      carry: ({ session }, link) => carriers.carry(session, link),
      end: ({ session }, link) => end(session, link),
    },
    frame,
    packets: (packets, link) => carriers.take(packets, link),
    costOf: (type) => costs[type] ?? 1,
  }
}
