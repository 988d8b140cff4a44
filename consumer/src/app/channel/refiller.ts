import { randomBytes } from 'node:crypto'
import { type Hex, type Wei, wei } from '@pontage/shared'
import { createSender, inTokens, readChannel } from '@pontage/shared/node'
import type { PayableChannel } from '../../core/hubs.js'
import { monthOf } from '../../core/limits.js'
import { refillOf, type TopUpRule } from '../../core/refill.js'
import type { Journal } from '../../io/home/journal.js'
import type { Context } from '../context.js'
import { type RelayWishes, wayNow } from '../hub/relayed.js'
import { type ToppedUp, topUp } from './topUp.js'

/** Which channel is refilled, how far, and who sends it. */
export interface RefillWishes extends RelayWishes {
  readonly rule: TopUpRule
}

/** Adds to one channel within the limit of a month, whatever becomes of an attempt. */
export interface Refiller {
  /**
   * Adds once. It is recorded before anything is signed.
   *
   * @returns What was added, or why nothing is added any more this month.
   * @throws UserError when nobody sends it: it may still take effect, and was counted.
   */
  add(free: Wei): Promise<ToppedUp | { readonly because: string }>
}

/**
 * An attempt that failed may still take effect: a hub that refuses may send all the same, and a node that falls silent may
 * have passed it on. So trying again is counted anew, except where at most one of both can take effect: documents of one
 * nonce, or one transaction that is sent again.
 */
export function createRefiller(
  context: Context,
  journal: Journal,
  channel: Pick<PayableChannel, 'channelId' | 'hub' | 'nonce'>,
  { rule, ...wishes }: RefillWishes,
): Refiller {
  const { chain, identity } = context
  const { channelId } = channel
  const shown = (amount: Wei) => inTokens(chain, amount)
  const alone = { sender: createSender(chain, identity), intent: newIntent() }
  /** What was counted last. */
  let counted: string | undefined
  return {
    async add(free) {
      const way = await wayNow(context)
      const once = way.by === 'own' ? alone.intent : `${way.nonce}`
      if (once !== counted) {
        // By the chain's clock, which nobody sets on this machine.
        const month = monthOf((await chain.head()).at)
        const added = journal.trail().usage.addedIn(month)
        if (refillOf(rule, free, added) === 'limit')
          return {
            because: `Channel ${channelId} has ${shown(free)} left, and is not refilled: ${shown(added)} were added this month (UTC), and --top-up-limit is ${shown(rule.perMonth)}.`,
          }
        await journal.record({ kind: 'topUps', month, amount: wei(added + rule.amount) })
        counted = once
      }
      const { exitAt } = await readChannel(chain, channelId)
      const done = await topUp(context, { ...channel, exitAt }, rule.amount, wishes, { ...alone, way })
      if (way.by === 'own') alone.intent = newIntent()
      return done
    },
  }
}

/** What was added, in words. */
export function refilledInWords(
  { chain }: Pick<Context, 'chain'>,
  { amount }: TopUpRule,
  { channelId, relayedBy, relayFee }: ToppedUp,
): string {
  const fee = relayedBy === null ? '' : `; the hub charged ${inTokens(chain, relayFee)} for sending it`
  return `Added ${inTokens(chain, amount)} to channel ${channelId}${fee}.`
}

const newIntent = (): Hex => `0x${randomBytes(32).toString('hex')}`
