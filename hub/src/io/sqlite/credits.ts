import { type Hex, type Refused, refuse, type Verdict, wei } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import { addCredit } from '../../core/credit.js'
import type { Credited, CreditOrder, DrawOrder, HeldPromise } from '../ledger.js'
import type { Guarantees } from './guarantees.js'
import type { Lines } from './lines.js'

/** Keeps the micro-promises taken and the promises made for them. */
export interface Credits {
  credit(order: CreditOrder): Verdict<{ credited: Credited }>
  undrawn(): DrawOrder[]
}

interface UndrawnRow {
  channel_id: Buffer
  provider: Buffer
  held: Buffer
  held_signature: Buffer
  drawn: Buffer
  protested: Buffer
  consumer: Buffer
  nonce: number
  exit_at: number
}

/** Undoes what was credited, and keeps why. */
class Insolvent extends Error {
  constructor(readonly refused: Refused) {
    super('The pool does not cover these promises.')
  }
}

export function prepareCredits(database: Database.Database, lines: Lines, guarantees: Guarantees): Credits {
  // Totals only grow: a statement that would lower one changes nothing.
  const hold = database.prepare(`
    UPDATE tab SET held = @amount, held_signature = @signature
    WHERE channel_id = @channelId AND provider = @provider AND held < @amount`)
  const raiseCleared = database.prepare(`
    UPDATE tab SET cleared = @amount
    WHERE channel_id = @channelId AND provider = @provider AND cleared < @amount`)
  const ensureAccount = database.prepare('INSERT INTO account (provider) VALUES (?) ON CONFLICT DO NOTHING')
  const raiseTotal = database.prepare(`
    UPDATE account SET total = @total, unexplained = @unexplained
    WHERE provider = @provider AND total <= @total`)
  const writeSignature = database.prepare(`
    UPDATE account SET signed_total = @total, signature = @signature
    WHERE provider = @provider AND signed_total <= @total`)
  // A final state draws what it pays by itself; until it stands on chain, an exit or a protest must be answered.
  const undrawn = database.prepare(`
    SELECT tab.channel_id, tab.provider, tab.held, tab.held_signature, tab.drawn, tab.protested,
      channel.consumer, channel.nonce, channel.exit_at
    FROM tab JOIN channel ON channel.channel_id = tab.channel_id
    WHERE tab.held > tab.drawn AND channel.status = 'open'
      AND (channel.exit_at > 0 OR tab.protested > zeroblob(32)
        OR tab.channel_id NOT IN (SELECT channel_id FROM closing))`)

  const keep = (order: CreditOrder, promise: HeldPromise): void => {
    hold.run({
      amount: amountBlob(promise.amount),
      signature: hexBlob(promise.signature),
      channelId: hexBlob(promise.channelId),
      provider: hexBlob(order.provider),
    })
  }

  const creditAll = database.transaction((order: CreditOrder, accepted: HeldPromise[]): Credited => {
    const { provider, promises, decide, solvent, sign } = order
    const { feeBps, ...pool } = lines.standing()
    const refused: { channelId: Hex; verdict: Verdict }[] = []
    let credit = 0n
    for (const promise of promises) {
      const { channelId, amount } = promise
      const line = lines.channel(channelId)
      const verdict = line
        ? decide(line, promise, feeBps)
        : refuse({ code: 'unknown-channel' as const, channelId })
      if (!verdict.ok) {
        refused.push({ channelId, verdict })
        continue
      }
      accepted.push(promise)
      credit += verdict.credit
      keep(order, promise)
      raiseCleared.run({
        amount: amountBlob(amount),
        channelId: hexBlob(channelId),
        provider: hexBlob(provider),
      })
    }
    ensureAccount.run(hexBlob(provider))
    const { total, unexplained } = addCredit(lines.promised(provider), wei(credit))
    if (credit > 0n) {
      raiseTotal.run({
        total: amountBlob(total),
        unexplained: amountBlob(unexplained),
        provider: hexBlob(provider),
      })
      const verdict = solvent(lines.accounts(), pool)
      if (!verdict.ok) throw new Insolvent(verdict)
    }
    const signature = sign(total)
    writeSignature.run({
      total: amountBlob(total),
      signature: hexBlob(signature),
      provider: hexBlob(provider),
    })
    return { total, signature, refused, guarantees: renewals(order, accepted) }
  })

  function renewals(order: CreditOrder, accepted: readonly HeldPromise[]): Credited['guarantees'] {
    const moved = new Set(accepted.map(({ channelId }) => channelId))
    return guarantees.channelsOf(order.provider).flatMap((channelId) => {
      const line = lines.channel(channelId)
      const renewed = line && order.renew(line, moved.has(channelId))
      if (!renewed) return []
      guarantees.record(renewed.cause, renewed.guarantee)
      return [renewed.guarantee]
    })
  }

  return {
    credit(order) {
      const accepted: HeldPromise[] = []
      try {
        return { ok: true, credited: creditAll(order, accepted) }
      } catch (error) {
        if (!(error instanceof Insolvent)) throw error
        for (const promise of accepted) keep(order, promise)
        return error.refused
      }
    },
    undrawn: () =>
      (undrawn.all() as UndrawnRow[]).map((row) => ({
        channelId: hexFrom(row.channel_id),
        provider: addressFrom(row.provider),
        amount: amountFrom(row.held),
        signature: hexFrom(row.held_signature),
        drawn: amountFrom(row.drawn),
        consumer: addressFrom(row.consumer),
        nonce: row.nonce,
        urgent: row.exit_at > 0 || amountFrom(row.protested) > 0n,
      })),
  }
}
