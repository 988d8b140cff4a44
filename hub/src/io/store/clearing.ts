import type { Signed, Verdict } from '@pontage/shared'
import { type Credited, type CreditOrder, credit, type GrantOrder, grant } from '../../core/clearing.js'
import { statement } from './engine.js'
import { blockedFrom, notesFrom, readBlocked, readNotes } from './operatorState.js'
import type { Order } from './order.js'

const countGuarantees = statement(`{with:bytes,bytes}
  SELECT count(*) AS kept FROM guarantee WHERE channel_id = ?1 AND provider = ?2`)

export const grantOrder = (order: GrantOrder): Order<Verdict<{ guarantee: Signed<'Guarantee'> }>> => ({
  channels: [order.channelId],
  causes: [order.cause],
  asks: [{ statement: countGuarantees, given: [[order.channelId, order.provider]] }],
  apply: (unit, [counted = []]) => grant(unit, order, Number(counted[0]?.kept ?? 0)),
})

export const creditOrder = (order: CreditOrder): Order<Verdict<{ credited: Credited }>> => ({
  channels: order.promises.map(({ channelId }) => channelId),
  providers: [order.provider],
  uncovered: { provider: order.provider, before: order.renewBefore },
  asks: [readNotes, readBlocked],
  apply: (unit, [notes = [], blocked = []], uncovered) =>
    credit(unit, order, uncovered, {
      blockAt: unit.blockAt,
      leaving: notesFrom(notes).has('leaving'),
      blocked: new Set(blocked.map((row) => blockedFrom(row).identity)),
    }),
})
