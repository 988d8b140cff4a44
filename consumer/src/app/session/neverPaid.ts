import { type Bytes, bytes } from '@pontage/shared'
import type { Journal } from '../../io/home/journal.js'
import type { Meter } from '../../io/kernel/meter.js'
import type { Context } from '../context.js'
import { recordUsage } from './usage.js'

/**
 * Ends what passes a tunnel that is given up before payment began, and writes down what had passed: nobody pays for it, but it
 * was used, and counts against every cap.
 *
 * @param countedAs - Our own name of its session.
 * @returns What passed, in bytes; nothing where its rules cannot be read any more.
 */
export async function endNeverPaid(
  context: Pick<Context, 'calendar' | 'log'>,
  journal: Journal,
  countedAs: string,
  meter: Pick<Meter, 'halt' | 'read'>,
): Promise<Bytes> {
  // It ends with its tunnel in a moment, anyway.
  await meter
    .halt()
    .catch((error: Error) =>
      context.log.warn('an unpaid tunnel could not be ended at once', { reason: error.message }),
    )
  try {
    const { downBytes, upBytes } = await meter.read()
    const passed = bytes(downBytes + upBytes)
    context.log.debug('a tunnel was given up unpaid', { passed })
    await recordUsage(context, journal, countedAs, passed)
    return passed
  } catch (error) {
    context.log.warn('what passed an unpaid tunnel is not known', { reason: (error as Error).message })
    return bytes(0n)
  }
}
