import { setTimeout as delay } from 'node:timers/promises'
import { type Wei, wei } from '@pontage/shared'
import { inTokens, readChannel } from '@pontage/shared/node'
import type { PayableChannel } from '../../core/hubs.js'
import { monthOf } from '../../core/limits.js'
import { refillOf, type TopUpRule } from '../../core/refill.js'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import type { RelayWishes } from '../hub/relayed.js'
import { readFree } from './payableHubs.js'
import { topUp } from './topUp.js'

/** What is told of a channel that is refilled while it is used. */
export type RefillReport = (kind: 'topped-up' | 'not-topped-up', message: string) => void

/** Between two looks at what was promised, which asks nobody. */
const lookEveryMs = 500
/** A hub counts a deposit once it is deep enough. */
const hubSeesItWithinMs = [0, 3_000, 10_000]
/** Between two questions to the chain, or two attempts, that brought nothing. */
const tryAgainAfterMs = 15_000

/**
 * Adds to a channel whenever too little is left in it, until the signal. Each addition is recorded before it is sent, so
 * that the month's limit holds over crashes; one that failed is counted once, however often it is tried again.
 *
 * @param told.added - Called when the channel holds more, and again until its hub must have seen that.
 */
export async function keepRefilled(
  context: Context,
  journal: Journal,
  channel: Pick<PayableChannel, 'channelId' | 'hub' | 'nonce'>,
  { rule, ...wishes }: RelayWishes & { rule: TopUpRule },
  told: { readonly report: RefillReport; readonly added: () => void },
  signal: AbortSignal,
): Promise<void> {
  const { chain, clock } = context
  const { channelId } = channel
  const shown = (amount: Wei) => inTokens(chain, amount)
  const promised = () =>
    journal
      .trail()
      .totals(channelId)
      .reduce((sum, { amount }) => sum + amount, 0n)
  let known: { free: bigint; promised: bigint } | undefined
  let isCounted = false
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
    const month = monthOf(clock.now())
    const addedBefore = journal.trail().usage.addedIn(month)
    const counted = isCounted ? wei(addedBefore - rule.amount) : addedBefore
    const refill = refillOf(rule, free, counted)
    if (refill === 'enough') return true
    if (refill === 'limit') {
      refused(
        `Channel ${channelId} has ${shown(free)} left, and is not refilled: ${shown(counted)} were added this month (UTC), and --top-up-limit is ${shown(rule.perMonth)}.`,
      )
      return false
    }
    if (!isCounted) await journal.record({ kind: 'topUps', month, amount: wei(addedBefore + rule.amount) })
    isCounted = true
    const { exitAt } = await readChannel(chain, channelId)
    const done = await topUp(context, { ...channel, exitAt }, rule.amount, wishes)
    isCounted = false
    lastSaid = undefined
    known = undefined
    const fee = done.relayedBy === null ? '' : `; the hub charged ${shown(done.relayFee)} for sending it`
    told.report('topped-up', `Added ${shown(rule.amount)} to channel ${channelId}${fee}.`)
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
