import type { Hex } from '@pontage/shared'
import type { AdmissionContext } from './admissionContext.js'

/**
 * A session that its consumer lost gives way; one that is in use does not. Before the terms of the next one are given, so
 * that they know what credit it left.
 */
export async function endAbandoned(
  { sessions, settings }: Pick<AdmissionContext, 'sessions' | 'settings'>,
  channelId: Hex,
): Promise<void> {
  const running = sessions.byChannel(channelId)
  if (running && running.links.size === 0)
    await sessions.end(running.record.id, { code: 'session-abandoned', seconds: settings.graceSeconds })
}
