import { type Address, type Hex, refuse, type Wei } from '@pontage/shared'
import type { Handlers, Link } from '@pontage/shared/node'
import type { Parts } from '../components.js'
import type { PathMtus } from '../metering/pathMtus.js'
import { createPromiseDesk } from '../promises/acceptPromise.js'
import { type AdmissionDesk, createAdmission } from './admission.js'

/** Whether consumers are served. */
export type Door = 'opening' | 'open' | 'closing'

/** What consumers may ask of us, the same on the public socket and on the one inside the tunnel. */
export function createFrontDesk(
  parts: Parts,
  desk: AdmissionDesk & {
    readonly door: () => Door
    /** A larger promise of a running session is on disk. */
    readonly promised: (hub: Address, channelId: Hex, total: Wei) => void
    /** A promise came for a session that is over. */
    readonly paidLate: (hub: Address) => void
    /** Told the largest packet that came through the tunnel to a consumer, whole. */
    readonly fitPath: PathMtus['fit']
    /** The disk failed. */
    readonly failed: (error: unknown) => void
  },
): Handlers {
  const { sessions, lines, door, promised, paidLate, fitPath, failed } = desk
  const admission = createAdmission(parts, desk)
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
      terms: (params, link) => (door() === 'open' ? admission.terms(params, link) : closed),
      open: (params, link) => (door() === 'open' ? admission.open(params, link) : closed),
      raise: admission.raise,
      async attach({ session, mtu }, link) {
        const attached = sessions.attach(session, link)
        if (!attached.ok) return attached
        const live = sessions.find(session)
        if (live && mtu !== undefined) await fitPath(live, link, mtu)
        return { ok: true, value: { paid: attached.session.paid } }
      },
      end: ({ session }, link) => end(session, link),
    },
    frame: createPromiseDesk(parts, lines, {
      stored: ({ channelId, parties }, total) => {
        if (sessions.byChannel(channelId)) promised(parties.hub, channelId, total)
        else paidLate(parties.hub)
      },
      failed,
    }),
  }
}
