import type { Hex } from '@pontage/shared'
import { type Front, type Handlers, isInvitationPath, publicPath } from '@pontage/shared/node'
import { isLive } from '../../core/invitation.js'
import { webSite } from '../../io/link/webSite.js'
import type { Components } from '../components.js'
import type { Settings } from '../settings.js'
import { createInvited } from './invited.js'

/** How the public port meets those who come. */
export interface FrontDoor extends Front {
  /** What is answered on a connection that came to a path. */
  handlersAt(path: string, handlers: Handlers): Handlers
}

/**
 * Lets in whoever read our offer, where there is one, or was invited; everybody else finds a web site.
 *
 * @param secret - What nobody else knows: the plain site's words follow from it.
 * @throws UserError when the owner's own site cannot be read.
 */
export async function openFrontDoor(
  components: Pick<Components, 'invitations' | 'sessions' | 'clock'>,
  { front, unlisted }: Pick<Settings, 'front' | 'unlisted'>,
  wireguardKey: Hex,
  secret: string,
): Promise<FrontDoor> {
  const { invitations, sessions, clock } = components
  const offered = publicPath(wireguardKey)
  const invited = createInvited(components)
  const isInvited = (path: string) => {
    const kept = isInvitationPath(path) ? invitations.byPath(path) : undefined
    if (kept === undefined) return false
    // A session that it began goes on: whoever is in one comes back by this path to pay, or to be carried.
    return isLive(kept, clock.now()) || kept.usedBy.some((consumer) => sessions.runsFor(consumer))
  }
  return {
    serve: await webSite(front, secret),
    admits: (path) => (!unlisted && path === offered) || isInvited(path),
    handlersAt: (path, handlers) => (path === offered ? handlers : invited(path, handlers)),
  }
}
