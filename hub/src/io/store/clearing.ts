import { type Hex, type Refused, refuse, type Verdict, type Wei, wei } from '@pontage/shared'
import { addCredit } from '../../core/credit.js'
import { larger } from '../../core/reserve.js'
import type { Credited, CreditOrder, GrantOrder, HeldPromise, RenewedAt } from '../ledger.js'
import { blockedFrom, notesFrom, readBlocked, readNotes } from './connectedPeers.js'
import type { Order } from './orders.js'
import type { Books } from './unitOfWork.js'

/** Guarantees once for each cause. */
export const grantOrder = ({
  cause,
  channelId,
  decide,
  sign,
}: GrantOrder): Order<ReturnType<typeof decideGrant>> => ({
  channels: [channelId],
  causes: [cause],
  apply: (books) => decideGrant(books, { cause, channelId, decide, sign }),
})

function decideGrant(books: Books, order: Pick<GrantOrder, 'cause' | 'channelId' | 'decide' | 'sign'>) {
  const { cause, channelId, decide, sign } = order
  const already = books.guarantee(cause)
  if (already) return { ok: true as const, guarantee: already }
  const line = books.channel(channelId)
  if (!line) return refuse({ code: 'unknown-channel', channelId })
  const verdict = decide(line)
  if (!verdict.ok) return verdict
  const guarantee = sign()
  books.putGuarantee(cause, guarantee)
  return { ok: true as const, guarantee }
}

/** Turns micro-promises into a larger total. */
export const creditOrder = (order: CreditOrder): Order<Verdict<{ credited: Credited }>> => ({
  channels: order.promises.map(({ channelId }) => channelId),
  providers: [order.provider],
  uncovered: { provider: order.provider, before: order.renewBefore },
  asks: [readNotes, readBlocked],
  apply: (books, [notes = [], blocked = []], uncovered) => {
    const accepted: HeldPromise[] = []
    const now: RenewedAt = {
      blockAt: books.blockAt,
      leaving: notesFrom(notes).has('leaving'),
      blocked: new Set(blocked.map((row) => blockedFrom(row).identity)),
    }
    try {
      return {
        ok: true,
        credited: books.attempt(() => {
          const credited = creditAll(books, order, accepted)
          return { ...credited, guarantees: renewals(books, order, accepted, uncovered, now) }
        }),
      }
    } catch (error) {
      if (!(error instanceof Insolvent)) throw error
      for (const promise of accepted) hold(books, order, promise)
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

function creditAll(books: Books, order: CreditOrder, accepted: HeldPromise[]): Omit<Credited, 'guarantees'> {
  const { provider, promises, decide, solvent, sign } = order
  const { feeBps, ...pool } = books.standing
  const refused: { channelId: Hex; verdict: Verdict }[] = []
  let credit = 0n
  for (const promise of promises) {
    const { channelId, amount } = promise
    const line = books.channel(channelId)
    const verdict = line
      ? decide(line, promise, feeBps)
      : refuse({ code: 'unknown-channel' as const, channelId })
    if (!verdict.ok) {
      refused.push({ channelId, verdict })
      continue
    }
    accepted.push(promise)
    credit += verdict.credit
    hold(books, order, promise, amount)
  }
  const account = books.account(provider)
  const promised = addCredit(account, wei(credit))
  const { total } = promised
  if (credit > 0n) {
    books.putAccount({ ...account, ...promised })
    const verdict = solvent(books.sums.owed, pool)
    if (!verdict.ok) throw new Insolvent(verdict)
  }
  const signature =
    account.signature !== null && account.signedTotal === total ? account.signature : sign(total)
  if (credit > 0n || (books.knows(provider) && signature !== account.signature))
    books.putAccount({ ...account, ...promised, signedTotal: total, signature })
  return { total, signature, refused }
}

/** A micro-promise stays with the ledger as soon as it was accepted: it is what is drawn. */
function hold(
  books: Books,
  { provider }: CreditOrder,
  { channelId, amount, signature }: HeldPromise,
  cleared?: Wei,
): void {
  const tab = books.tab(channelId, provider)
  const isHigher = amount > tab.held
  if (!isHigher && (cleared === undefined || cleared <= tab.cleared)) return
  books.putTab(channelId, {
    ...tab,
    ...(isHigher ? { held: amount, heldSignature: signature } : {}),
    cleared: cleared === undefined ? tab.cleared : larger(cleared, tab.cleared),
  })
}

function renewals(
  books: Books,
  order: CreditOrder,
  accepted: readonly HeldPromise[],
  uncovered: readonly Hex[],
  now: RenewedAt,
): Credited['guarantees'] {
  const moved = new Set(accepted.map(({ channelId }) => channelId))
  return [...new Set([...moved, ...uncovered])].flatMap((channelId) => {
    const line = books.channel(channelId)
    // Only a guarantee that was asked for once is renewed.
    if (line?.status !== 'open' || books.tab(channelId, order.provider).expiresAt === 0) return []
    const renewed = order.renew(line, moved.has(channelId), now)
    if (!renewed) return []
    books.putGuarantee(renewed.cause, renewed.guarantee)
    return [renewed.guarantee]
  })
}
