import { bytes } from '@pontage/shared'
import type { Firewall } from '../../io/kernel/firewall.js'
import type { Components } from '../components.js'
import { kernelLimit, type LiveSession, usedBy } from './liveSession.js'

/**
 * Writes all rules anew with every session as it stands. What the kernel had counted is carried over, as after a crash;
 * where its counters are gone or were set back, what they showed last.
 */
export async function rebuildRules(
  { sessions }: Pick<Components, 'sessions'>,
  firewall: Firewall,
  all: readonly LiveSession[],
): Promise<void> {
  const readings = await firewall.read(all.map(({ record }) => record.key)).catch(() => undefined)
  for (const live of all) {
    const reading = (readings && usedBy(live, readings.get(live.record.key))) ?? live.session.reading
    live.session = { ...live.session, reading: { ...reading, dropped: bytes(0n) } }
    live.carried = reading
    live.counted = undefined
  }
  // On disk before the kernel forgets: a crash in between must not count anything twice.
  const keys = sessions.carryAll(all.map(({ record, carried }) => ({ id: record.id, carried })))
  for (const [index, live] of all.entries()) {
    live.record = { ...live.record, key: keys[index] ?? live.record.key }
    live.limit = kernelLimit(live.session, live.carried)
    live.passing = live.session.phase === 'forwarding'
    live.isDropping = false
  }
  await firewall.rebuild(
    all.map(({ record: { key }, addresses, limit, passing }) => ({ key, addresses, limit, passing })),
  )
  for (const { record } of all) sessions.raised(record.id)
}
