import { readLeftovers, undo } from '../io/machine.js'
import type { Parts } from './parts.js'

/** Ends what a crash left running: its counts go into the history, its rules and its interface go away. */
export async function recoverMachine(
  { sessions, promises, clock, log }: Pick<Parts, 'sessions' | 'promises' | 'clock' | 'log'>,
  home: string,
): Promise<boolean> {
  const left = await readLeftovers(home)
  for (const record of sessions.open()) {
    const reading = left.get(record.key)
    const figures = {
      downBytes: reading?.down ?? record.downBytes,
      upBytes: reading?.up ?? record.upBytes,
      promises: record.promises,
      // Promises are stored one by one, figures only now and then.
      paid: promises.channel(record.channelId)?.promise?.amount ?? record.paid,
    }
    sessions.end(record.id, figures, 'interrupted', clock.now())
    log.warn('session ended', {
      session: record.id,
      consumer: record.consumer,
      reason: 'interrupted',
      ...figures,
    })
  }
  const undone = await undo(home)
  if (undone) log.warn('undid what an earlier run had left behind', { sessions: left.size })
  return undone
}
