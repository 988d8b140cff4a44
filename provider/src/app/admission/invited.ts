import type { Verdict } from '@pontage/shared'
import type { Handlers, Link } from '@pontage/shared/node'
import { judgeInvitation } from '../../core/invitation.js'
import type { Components } from '../components.js'

/** Requests to open a session that one identity has under way by one invitation. */
interface UnderWay {
  count: number
  /** Whether the identity used it for the first time by them. */
  isNew: boolean
  /** Whether a session came of them, or may have. */
  isServed: boolean
}

/** Gives what is answered on a connection that came by an invitation's path: nobody begins a session whom it does not let in. */
export function createInvited({ invitations, clock }: Pick<Components, 'invitations' | 'clock'>) {
  const underWay = new Map<string, UnderWay>()

  /** Counts a use before anything is asked elsewhere, so that of two that come at once the second finds it. */
  function begin(id: string, { peer }: Link): (isServed: boolean) => void {
    const key = `${id} ${peer}`
    const mine = underWay.get(key) ?? { count: 0, isNew: false, isServed: false }
    underWay.set(key, mine)
    mine.count++
    mine.isNew ||= invitations.use(id, peer, clock.now())
    return (isServed) => {
      mine.isServed ||= isServed
      if (--mine.count > 0) return
      underWay.delete(key)
      // Else whoever has the link could use it up for all others with keys that own nothing.
      if (mine.isNew && !mine.isServed) invitations.giveBack(id, peer)
    }
  }

  return (path: string, handlers: Handlers): Handlers => {
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
        async open(params, link) {
          const verdict = judge(link)
          if (!verdict.ok) return verdict
          const end = begin(verdict.id, link)
          let isServed = true
          try {
            const answer = await open(params, link)
            isServed = answer.ok
            return answer
          } finally {
            end(isServed)
          }
        },
      },
    }
  }
}
