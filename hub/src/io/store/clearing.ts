import { type Hex, type Refused, refuse, type Verdict, type Wei, wei } from '@pontage/shared'
import { addCredit } from '../../core/credit.js'
import { larger } from '../../core/reserve.js'
import type { Credited, CreditOrder, GrantOrder, HeldPromise, RenewedAt } from '../ledger.js'
import { blockedFrom, notesFrom, readBlocked, readNotes } from './operatorState.js'
import type { Order } from './orders.js'
import type { UnitOfWork } from './unitOfWork.js'

/** Guarantees once for each cause. */
export const grantOrder = ({
  cause,
  channelId,
  decide,
  sign,
}: GrantOrder): Order<ReturnType<typeof decideGrant>> => ({
  channels: [channelId],
  causes: [cause],
  apply: (unit) => decideGrant(unit, { cause, channelId, decide, sign }),
})

function decideGrant(unit: UnitOfWork, order: Pick<GrantOrder, 'cause' | 'channelId' | 'decide' | 'sign'>) {
  const { cause, channelId, decide, sign } = order
  const already = unit.guarantee(cause)
  if (already) return { ok: true as const, guarantee: already }
  const line = unit.channel(channelId)
  if (!line) return refuse({ code: 'unknown-channel', channelId })
  const verdict = decide(line)
  if (!verdict.ok) return verdict
  const guarantee = sign()
  unit.putGuarantee(cause, guarantee)
  return { ok: true as const, guarantee }
}

/** Turns micro-promises into a larger total. */
export const creditOrder = (order: CreditOrder): Order<Verdict<{ credited: Credited }>> => ({
  channels: order.promises.map(({ channelId }) => channelId),
  providers: [order.provider],
  uncovered: { provider: order.provider, before: order.renewBefore },
  asks: [readNotes, readBlocked],
  apply: (unit, [notes = [], blocked = []], uncovered) => {
    const accepted: HeldPromise[] = []
    const now: RenewedAt = {
      blockAt: unit.blockAt,
      leaving: notesFrom(notes).has('leaving'),
      blocked: new Set(blocked.map((row) => blockedFrom(row).identity)),
    }
    try {
      return {
        ok: true,
        credited: unit.attempt(() => {
          const credited = creditAll(unit, order, accepted)
          return { ...credited, guarantees: renewals(unit, order, accepted, uncovered, now) }
        }),
      }
    } catch (error) {
      if (!(error instanceof Insolvent)) throw error
      for (const promise of accepted) hold(unit, order, promise)
      return error.refused
    }
  },
})

/** Undoes what was credited, and keeps why. */
class Insolvent extends Error {
  constructor(readonly refused: Refused) {
    super('The pool does not cover these promises.')
  }
}

function creditAll(
  unit: UnitOfWork,
  order: CreditOrder,
  accepted: HeldPromise[],
): Omit<Credited, 'guarantees'> {
  const { provider, promises, decide, solvent, sign } = order
  const { feeBps, ...pool } = unit.standing
  const refused: { channelId: Hex; verdict: Verdict }[] = []
  let credit = 0n
  for (const promise of promises) {
    const { channelId, amount } = promise
    const line = unit.channel(channelId)
    const verdict = line
      ? decide(line, promise, feeBps)
      : refuse({ code: 'unknown-channel' as const, channelId })
    if (!verdict.ok) {
      refused.push({ channelId, verdict })
      continue
    }
    accepted.push(promise)
    credit += verdict.credit
    hold(unit, order, promise, amount)
  }
  const account = unit.account(provider)
  const promised = addCredit(account, wei(credit))
  const { total } = promised
  if (credit > 0n) {
    unit.putAccount({ ...account, ...promised })
    const verdict = solvent(unit.sums.owed, pool)
    if (!verdict.ok) throw new Insolvent(verdict)
  }
  const signature =
    account.signature !== null && account.signedTotal === total ? account.signature : sign(total)
  if (credit > 0n || (unit.knows(provider) && signature !== account.signature))
    unit.putAccount({ ...account, ...promised, signedTotal: total, signature })
  return { total, signature, refused }
}

/** A micro-promise stays with the ledger as soon as it was accepted: it is what is drawn. */
function hold(
  unit: UnitOfWork,
  { provider }: CreditOrder,
  { channelId, amount, signature }: HeldPromise,
  cleared?: Wei,
): void {
  const tab = unit.tab(channelId, provider)
  const isHigher = amount > tab.held
  if (!isHigher && (cleared === undefined || cleared <= tab.cleared)) return
  unit.putTab(channelId, {
    ...tab,
    ...(isHigher ? { held: amount, heldSignature: signature } : {}),
    cleared: cleared === undefined ? tab.cleared : larger(cleared, tab.cleared),
  })
}

function renewals(
  unit: UnitOfWork,
  order: CreditOrder,
  accepted: readonly HeldPromise[],
  uncovered: readonly Hex[],
  now: RenewedAt,
): Credited['guarantees'] {
  const moved = new Set(accepted.map(({ channelId }) => channelId))
  return [...new Set([...moved, ...uncovered])].flatMap((channelId) => {
    const line = unit.channel(channelId)
    // Only a guarantee that was asked for once is renewed.
    if (line?.status !== 'open' || unit.tab(channelId, order.provider).expiresAt === 0) return []
    const renewed = order.renew(line, moved.has(channelId), now)
    if (!renewed) return []
    unit.putGuarantee(renewed.cause, renewed.guarantee)
    return [renewed.guarantee]
  })
}
