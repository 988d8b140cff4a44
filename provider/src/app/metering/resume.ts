import { wei } from '@pontage/shared'
import type { AddressPool } from '../../core/addressPool.js'
import type { Parts } from '../components.js'
import type { CreditLines } from '../promises/creditLines.js'
import { interrupt, type Resumable } from './recover.js'
import type { Sessions } from './sessions.js'

/**
 * Takes up the sessions that a crash interrupted, where they stood. One whose place is gone, since the settings are
 * others now, ends.
 */
export async function resumeSessions(
  parts: Parts,
  resumable: readonly Resumable[],
  desk: {
    readonly sessions: Sessions
    readonly lines: CreditLines
    readonly pool: AddressPool
    readonly paymentPort: number
  },
): Promise<void> {
  const { sessions, promises, log } = parts
  const open = new Map(sessions.open().map((record) => [record.id, record]))
  for (const { session, endpoint } of resumable) {
    const { record, tunnel } = session
    const line = desk.lines.get(record.channelId)
    const fits = tunnel.paymentPort === desk.paymentPort && !desk.sessions.hasKey(tunnel.wireguardKey)
    if (line === undefined || line.released || !fits || !desk.pool.claim(tunnel.addresses)) {
      const history = open.get(record.id)
      if (history) interrupt(parts, history)
      continue
    }
    const paid = promises.channel(record.channelId)?.promise?.amount ?? record.base
    await desk.sessions.resume(session, { paid, ceiling: line.ceiling ?? wei(0n) }, endpoint)
    const { consumer, channelId } = record
    log.info('session resumed', { session: record.id, consumer, channelId, ...session.carried, paid })
  }
}
