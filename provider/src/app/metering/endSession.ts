import { type Ending, owed } from '../../core/session.js'
import type { Firewall } from '../../io/kernel/firewall.js'
import type { Components } from '../components.js'
import { accountOf, endingText, figuresOf, type LiveSession, tell, usedBy } from './liveSession.js'

/**
 * Closes a session's way, takes its last count, stores its figures and tells its consumer; a kernel that fails does not
 * keep it from ending.
 *
 * @param left - Told where its rows in the rules could not be taken away.
 * @returns The code that stands in the history.
 */
export async function endSession(
  { sessions, clock, log }: Pick<Components, 'sessions' | 'clock' | 'log'>,
  firewall: Firewall,
  live: LiveSession,
  ending: Ending,
  left: () => void,
): Promise<string> {
  const { id, key, channelId, consumer } = live.record
  try {
    if (live.passing) await firewall.apply([{ type: 'hold', key, addresses: live.addresses }])
    live.passing = false
    const reading = usedBy(live, (await firewall.read([key])).get(key))
    if (reading) live.session = { ...live.session, reading }
    await firewall.dismiss(key, live.addresses, false)
  } catch {
    left()
  }
  const figures = figuresOf(live)
  const { code, message } = endingText(ending)
  const history = { ...figures, owed: owed(live.session) }
  sessions.end(id, history, live.isInterrupted ? 'interrupted' : code, clock.now())
  if (code !== 'requested') tell(live, 'ended', { session: id, code, message, ...accountOf(live.session) })
  log.info('session ended', { session: id, consumer, channelId, reason: code, ...figures })
  return code
}
