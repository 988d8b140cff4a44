import { type Address, type Hex, type Signed, type Wei, wei } from '@pontage/shared'
import { type HeldPromise, recallCleared } from '../../core/clearing.js'
import { learnTotal } from '../../core/credit.js'
import { idleSeconds } from './chainMirror.js'
import { statement } from './engine.js'
import type { Order } from './order.js'
import { amountText } from './rows.js'
import { covered } from './tables.js'

const isKnown = statement(`{with:bytes,bytes,bytes,number}
  SELECT cause FROM guarantee
  WHERE channel_id = ?1 AND provider = ?2 AND ceiling >= ?3 AND expires_at >= ?4 LIMIT 1`)

/** Takes in a total that had left the hub before a restored ledger knew of it. */
export const raiseOrder = (order: { provider: Address; total: Wei; signature?: Hex }): Order<Wei> => ({
  providers: [order.provider],
  apply: (unit) => {
    const { provider, total, signature } = order
    const before = unit.account(provider)
    const after = { ...before, ...learnTotal(before, total) }
    const newer = signature !== undefined && total > before.signedTotal
    if (after.total > before.total || (newer && unit.knows(provider)))
      unit.putAccount(newer ? { ...after, signedTotal: total, signature } : after)
    return wei(after.total - before.total)
  },
})

/**
 * Takes in a guarantee likewise.
 *
 * @returns Whether it was news, and forgotten against our will: a tab on which nothing was promised goes by itself, a day after its
 * guarantee.
 */
export const recallOrder = (order: { cause: Hex; guarantee: Signed<'Guarantee'> }): Order<boolean> => {
  const { cause, guarantee } = order
  const { channelId, provider, ceiling, expiresAt } = guarantee
  return {
    channels: [channelId],
    // One after the other: the second must find what the first wrote.
    alone: `recall ${channelId}`,
    asks: [{ statement: isKnown, given: [[channelId, provider, amountText(ceiling), expiresAt]] }],
    apply: (unit, [found = []]) => {
      if (found.length > 0 || !unit.channel(channelId)) return false
      const tab = unit.tab(channelId, provider)
      const amount = wei(ceiling)
      // The newest guarantee is the one that lasts longest.
      const newest =
        expiresAt > tab.expiresAt || (expiresAt === tab.expiresAt && amount > tab.ceiling)
          ? { ceiling: amount, expiresAt }
          : {}
      const known = covered(tab, { ceiling: amount, expiresAt }, unit.blockAt)
      unit.putTab(channelId, { ...known, ...newest })
      unit.keepGuarantee(cause, guarantee)
      // Half of that time, since a block may be taken back.
      return 'expiresAt' in newest && expiresAt >= unit.blockAt - idleSeconds / 2
    },
  }
}

/** Takes in promises that had been cleared likewise. */
export const recallClearedOrder = (order: {
  provider: Address
  promises: readonly HeldPromise[]
}): Order<number> => ({
  channels: order.promises.map(({ channelId }) => channelId),
  providers: [order.provider],
  apply: (unit) => order.promises.filter((promise) => recallCleared(unit, order.provider, promise)).length,
})
