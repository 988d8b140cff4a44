import { SerialQueue } from '@pontage/shared'
import { look, type Presence } from '../../core/presence.js'
import type { Machine } from '../../io/kernel/machine.js'
import type { Components } from '../components.js'
import type { LiveSession } from './liveSession.js'
import type { Sessions } from './sessions.js'

const lookEveryMs = 10_000

/**
 * Ends sessions whose consumers are gone though their connections look open: a machine without power says no goodbye,
 * and a payment socket may run beside the tunnel. What WireGuard received says when each was last heard of. A lent session's
 * other machine may sleep as long as it likes: there, the payment socket alone counts.
 *
 * @param goneAfterSeconds - More than twice what a consumer leaves between its keepalives.
 */
export function watchLiveness(
  { clock, log }: Pick<Components, 'clock' | 'log'>,
  sessions: Pick<Sessions, 'all' | 'end'>,
  machine: Pick<Machine, 'heard'>,
  goneAfterSeconds: number,
): { stop(): Promise<void> } {
  const known = new WeakMap<LiveSession, Presence>()
  const rounds = new SerialQueue()

  async function round(): Promise<void> {
    const all = sessions.all()
    if (all.length === 0) return
    const heard = await machine.heard()
    const atMs = clock.elapsedMs()
    for (const live of all) {
      const { record, wireguardKey } = live
      if (live.session.lent) continue
      const presence = look(known.get(live), heard.get(wireguardKey) ?? 0n, atMs)
      known.set(live, presence)
      const seconds = Math.floor((atMs - presence.heardAtMs) / 1_000)
      if (seconds <= goneAfterSeconds) continue
      log.info('a consumer is gone', { session: record.id, seconds })
      await sessions.end(record.id, { code: 'session-abandoned', seconds: goneAfterSeconds })
    }
  }

  const timer = setInterval(() => {
    rounds
      .run(round)
      .catch((error: Error) => log.warn('WireGuard does not answer', { reason: error.message }))
  }, lookEveryMs)
  return {
    async stop() {
      clearInterval(timer)
      await rounds.idle()
    },
  }
}
