import type { Machine } from '../io/machine.js'
import type { Parts } from './parts.js'
import type { Sessions } from './sessions.js'

const lookEveryMs = 30_000
/** WireGuard shakes hands each two minutes, and its keep-alive sees to it: who did not for so long is gone. */
const goneAfterSeconds = 300

/**
 * Ends sessions whose consumers are gone though their connections look open: a machine without power says no goodbye.
 * WireGuard's own clock says when each was last heard of.
 */
export function watchLiveness(
  { clock, log }: Pick<Parts, 'clock' | 'log'>,
  sessions: Pick<Sessions, 'all' | 'end'>,
  machine: Pick<Machine, 'lastHandshakes'>,
): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve()

  async function look(): Promise<void> {
    const all = sessions.all()
    if (all.length === 0) return
    const heard = await machine.lastHandshakes()
    const now = clock.now()
    for (const { record, wireguardKey } of all) {
      const since = now - Math.max(record.startedAt, heard.get(wireguardKey) ?? 0)
      if (since <= goneAfterSeconds) continue
      log.info('a consumer is gone', { session: record.id, seconds: since })
      await sessions.end(record.id, { code: 'session-abandoned', seconds: goneAfterSeconds })
    }
  }

  const timer = setInterval(() => {
    running = running
      .then(look)
      .catch((error: Error) => log.warn('WireGuard does not answer', { reason: error.message }))
  }, lookEveryMs)
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
