import type { Bytes } from '@pontage/shared'
import { bytes } from '@pontage/shared'
import { monthOf } from '../../core/limits.js'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'

/**
 * Writes down what flowed in a session since it was last written down, as of this month: what a monthly cap
 * counts. Called while bytes flow, so that a crash forgets no more than what passed since.
 *
 * @param session - Our own name of it.
 * @param flowed - Bytes of the whole session.
 */
export async function recordUsage(
  { calendar }: Pick<Context, 'calendar'>,
  journal: Journal,
  session: string,
  flowed: Bytes,
): Promise<void> {
  const trail = journal.trail()
  const news = flowed - trail.usage.usedBy(session)
  if (news <= 0n) return
  const month = monthOf(calendar.now())
  await journal.record({
    kind: 'usage',
    session,
    month,
    bytes: bytes(trail.usage.usedByIn(session, month) + news),
  })
}
