import type { Signed, Verdict } from '@pontage/shared'
import { type Credited, type CreditOrder, credit, type GrantOrder, grant } from '../../core/clearing.js'
import { blockedFrom, notesFrom, readBlocked, readNotes } from './operatorState.js'
import type { Order } from './order.js'

export const grantOrder = (order: GrantOrder): Order<Verdict<{ guarantee: Signed<'Guarantee'> }>> => ({
  channels: [order.channelId],
  causes: [order.cause],
  apply: (unit) => grant(unit, order),
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
