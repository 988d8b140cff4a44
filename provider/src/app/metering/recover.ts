import { type Counted, chargedBytes, owedFor, type Wei, wei } from '@pontage/shared'
import type { WireguardEndpoint } from '@pontage/shared/node'
import { noReading } from '../../core/meter.js'
import { collectLeftovers, type Leftovers } from '../../io/kernel/machine.js'
import { type Undone, undo } from '../../io/kernel/undo.js'
import type { InterruptedSession, SessionHistory } from '../../io/store/sessionRecord.js'
import type { Components } from '../components.js'
import { withCarried } from './liveSession.js'

/** A session that can go on, and where its consumer was last heard from. */
export interface Resumable {
  readonly session: InterruptedSession
  readonly endpoint: WireguardEndpoint | undefined
}

type RecoveryComponents = Pick<Components, 'sessions' | 'promises' | 'clock' | 'log'>

/**
 * Undoes what a crash left on the machine, its counts safe in the store before.
 *
 * @param keep - Whether sessions are to go on; else, and where their counts are lost, they end as interrupted.
 * @returns Whether there was anything, what could not be undone, and the sessions that can go on.
 */
export async function recoverMachine(
  components: RecoveryComponents,
  home: string,
  keep: boolean,
): Promise<Undone & { readonly resumable: readonly Resumable[] }> {
  const { sessions, log } = components
  const found = await collectLeftovers(home)
  const resumable: Resumable[] = []
  for (const record of sessions.open()) {
    const session = keep ? carryOver(components, record.id, found) : undefined
    if (session === undefined) interrupt(components, record, found)
    else resumable.push({ session, endpoint: found.endpoints.get(session.tunnel.wireguardKey) })
  }
  const { undone, left } = await undo(home)
  if (undone) log.warn('undid what an earlier run had left behind', { sessions: found.readings.size })
  for (const problem of left) log.error('could not be undone', { problem })
  return { undone, left, resumable }
}

/** Brings a session's totals up to date; undefined when what it has used is not known any more. */
function carryOver(
  { sessions }: RecoveryComponents,
  id: string,
  { bootId, readings }: Leftovers,
): InterruptedSession | undefined {
  const found = sessions.interrupted(id)
  if (found === undefined || found.tunnel.bootId !== bootId) return undefined
  const reading = readings.get(found.record.key)
  if (reading === undefined && found.isRaised) return undefined
  const carried = withCarried(reading ?? noReading, found.carried)
  sessions.carry(id, carried)
  return sessions.interrupted(id)
}

/** Ends a session that cannot go on: its counts go into the history. */
export function interrupt(
  { sessions, promises, clock, log }: RecoveryComponents,
  record: SessionHistory,
  left?: Leftovers,
): void {
  const reading = left?.readings.get(record.key)
  const found = sessions.interrupted(record.id)
  const used = reading && withCarried(reading, found?.carried ?? noReading)
  // Promises are stored one by one, figures only now and then.
  const promised = promises.channel(record.channelId)?.promise?.amount ?? record.promised
  const figures = {
    downBytes: used?.downBytes ?? record.downBytes,
    upBytes: used?.upBytes ?? record.upBytes,
    promises: record.promises,
    promised,
  }
  const owed = found && used ? owedBy(found, used) : promised
  sessions.end(record.id, { ...figures, owed }, 'interrupted', clock.now())
  log.warn('session ended', {
    session: record.id,
    consumer: record.consumer,
    reason: 'interrupted',
    ...figures,
  })
}

/** What a session that a crash ended owed on its channel by what the kernel had counted. */
const owedBy = ({ record, tunnel, progress }: InterruptedSession, used: Counted): Wei =>
  wei(
    record.base + owedFor(chargedBytes(used), BigInt(Math.floor(progress.forwardedMs / 1_000)), tunnel.price),
  )
