import { setTimeout as delay } from 'node:timers/promises'
import type { PayableChannel } from '../../core/hubs.js'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import { readFree } from './payableHubs.js'
import { createRefiller, type RefillWishes, refilledInWords } from './refiller.js'

/** What is told of a channel that is refilled while it is used. */
export type RefillReport = (kind: 'topped-up' | 'not-topped-up', message: string) => void

/** Between two looks at what was promised, which asks nobody. */
const lookEveryMs = 500
/** A hub counts a deposit once it is deep enough. */
const hubSeesItWithinMs = [0, 3_000, 10_000]
/** Between two questions to the chain, or two attempts, that brought nothing. */
const tryAgainAfterMs = 15_000

/**
 * Adds to a channel whenever too little is left in it, until the signal.
 *
 * @param told.added - Called when the channel holds more, and again until its hub must have seen that.
 */
export async function keepRefilled(
  context: Context,
  journal: Journal,
  channel: Pick<PayableChannel, 'channelId' | 'hub' | 'nonce'>,
  wishes: RefillWishes,
  told: { readonly report: RefillReport; readonly added: () => void },
  signal: AbortSignal,
): Promise<void> {
  const { channelId } = channel
  const { rule } = wishes
  const refiller = createRefiller(context, journal, channel, wishes)
  const promised = () =>
    journal
      .trail()
      .totals(channelId)
      .reduce((sum, { amount }) => sum + amount, 0n)
  let known: { free: bigint; promised: bigint } | undefined
  let lastSaid: string | undefined
  const refused = (message: string) => {
    if (message !== lastSaid) told.report('not-topped-up', message)
    lastSaid = message
  }
  const look = async (): Promise<boolean> => {
    if (known && known.free - (promised() - known.promised) >= rule.below) return true
    const promisedBefore = promised()
    const free = await readFree(context, journal.trail(), channel)
    known = { free, promised: promisedBefore }
    if (free >= rule.below) return true
    const done = await refiller.add(free)
    if ('because' in done) {
      refused(done.because)
      return false
    }
    lastSaid = undefined
    known = undefined
    told.report('topped-up', refilledInWords(context, rule, done))
    void tellAgain()
    return true
  }
  const tellAgain = async (): Promise<void> => {
    for (const waitMs of hubSeesItWithinMs) {
      await delay(waitMs, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) told.added()
    }
  }
  while (!signal.aborted) {
    const isFine = await look().catch((error: Error) => {
      if (!signal.aborted) refused(`Channel ${channelId} could not be refilled. ${error.message}`)
      return false
    })
    await delay(isFine ? lookEveryMs : tryAgainAfterMs, undefined, { signal }).catch(() => undefined)
  }
}
