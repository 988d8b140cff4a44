import { channelIdOf, type Params, type Result, refuse, type Verdict } from '@pontage/shared'
import type { Link } from '@pontage/shared/node'
import type { Components } from '../components.js'
import type { AdmissionContext } from './admissionContext.js'
import { askHub, judgeRequest } from './checkOpening.js'

/** Answers `raise`: a session's guarantee is nearly used up, and its consumer asks for a larger one. */
export function createRaiseGuarantee(components: Components, context: AdmissionContext) {
  const { sessions, lines } = context
  return async (params: Params<'raise'>, link: Link): Promise<Verdict<{ value: Result<'raise'> }>> => {
    const { channel, guaranteeRequest } = params
    const channelId = channelIdOf(components.chain.deployment, channel)
    const running = sessions.byChannel(channelId)
    if (running?.record.consumer !== link.peer) return refuse({ code: 'unknown-session', session: channelId })
    const request = judgeRequest(components, guaranteeRequest, channelId, link)
    if (!request.ok) return request
    const guaranteed = await askHub(components, context, params, channelId)
    if (!guaranteed.ok) return guaranteed
    const ceiling = lines.refresh(channelId)?.ceiling
    if (ceiling !== undefined) sessions.guaranteed(channelId, ceiling)
    return { ok: true, value: { guarantee: guaranteed.guarantee } }
  }
}
