import { wei } from '@pontage/shared'
import type { AddressPool } from '../../core/addressPool.js'
import type { Components } from '../components.js'
import type { CreditLines } from '../promises/creditLines.js'
import { interrupt, type Resumable } from './recover.js'
import type { Sessions } from './sessions.js'

/**
 * Takes up the sessions that a crash interrupted, where they stood. One whose place is gone, since the settings are
 * others now, ends.
 */
export async function resumeSessions(
  components: Components,
  resumable: readonly Resumable[],
  context: {
    readonly sessions: Sessions
    readonly lines: CreditLines
    readonly pool: AddressPool
    readonly paymentPort: number
  },
): Promise<void> {
  const { sessions, promises, log } = components
  const open = new Map(sessions.open().map((record) => [record.id, record]))
  for (const { session, endpoint } of resumable) {
    const { record, tunnel } = session
    const line = context.lines.get(record.channelId)
    const fits = tunnel.paymentPort === context.paymentPort && !context.sessions.hasKey(tunnel.wireguardKey)
    if (line === undefined || line.released || !fits || !context.pool.claim(tunnel.addresses)) {
      const history = open.get(record.id)
      if (history) interrupt(components, history)
      continue
    }
    const promised = promises.channel(record.channelId)?.promise?.amount ?? record.base
    await context.sessions.resume(session, { promised, ceiling: line.ceiling ?? wei(0n) }, endpoint)
    const { consumer, channelId } = record
    log.info('session resumed', { session: record.id, consumer, channelId, ...session.carried, promised })
  }
}
