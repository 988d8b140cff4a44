import type { Verdict } from '@pontage/shared'
import type { Handlers, Link } from '@pontage/shared/node'
import { judgeInvitation } from '../../core/invitation.js'
import type { Components } from '../components.js'

/** What is answered on a connection that came by an invitation: nobody begins a session whom it does not let in. */
export function invited(
  { invitations, clock }: Pick<Components, 'invitations' | 'clock'>,
  path: string,
  handlers: Handlers,
): Handlers {
  const { terms, open } = handlers.requests ?? {}
  if (terms === undefined || open === undefined) return handlers
  const judge = (link: Link): Verdict<{ id: string }> => {
    const kept = invitations.byPath(path)
    if (kept === undefined) throw new Error('A connection came by an invitation that never was.')
    const verdict = judgeInvitation(kept, kept.usedBy, link.peer, clock.now())
    return verdict.ok ? { ok: true, id: kept.id } : verdict
  }
  return {
    ...handlers,
    requests: {
      ...handlers.requests,
      terms: (params, link) => {
        const verdict = judge(link)
        return verdict.ok ? terms(params, link) : verdict
      },
      open: (params, link) => {
        const verdict = judge(link)
        if (!verdict.ok) return verdict
        // Taken before the hub is asked: of two that come at once, the second finds it used.
        invitations.use(verdict.id, link.peer, clock.now())
        return open(params, link)
      },
    },
  }
}
