import { type Address, refuse, type Verdict, type Wei, wei } from '@pontage/shared'
import { type CountedRating, countReceipt, noQuality, type Quality } from '../../core/receipts.js'
import type { ReceiptOrder } from '../ledger.js'
import { plain, type Row, statement } from './engine.js'
import type { Order } from './order.js'
import { addressOf, amountOf, amountText } from './rows.js'

const newestOf = statement('SELECT * FROM receipt WHERE (channel_id, provider) {among:bytes,bytes}')
const qualityOf = statement('SELECT * FROM quality WHERE provider {among:bytes}')
export const readQualities = plain(statement('SELECT * FROM quality'))
const write = statement(`
  INSERT INTO receipt (channel_id, provider, amount, weight, bytes, throughput_kbps, score, ended_at, signature)
  {rows:bytes,bytes,bytes,bytes,number,number,number,number,bytes}
  ON CONFLICT (channel_id, provider) DO UPDATE SET amount = excluded.amount, weight = excluded.weight,
    bytes = excluded.bytes, throughput_kbps = excluded.throughput_kbps, score = excluded.score,
    ended_at = excluded.ended_at, signature = excluded.signature`)
const writeQuality = statement(`
  INSERT INTO quality (provider, sessions, paid, throughput_sum, rated_paid, score_sum)
  {rows:bytes,number,bytes,bytes,bytes,bytes}
  ON CONFLICT (provider) DO UPDATE SET sessions = excluded.sessions, paid = excluded.paid,
    throughput_sum = excluded.throughput_sum, rated_paid = excluded.rated_paid, score_sum = excluded.score_sum`)

/** Counts what a consumer says of a session. Naming the provider keeps other processes from counting at the same time. */
export const receiptOrder = ({ receipt, decide }: ReceiptOrder): Order<Verdict<{ counted: Wei }>> => ({
  channels: [receipt.channelId],
  providers: [receipt.provider],
  alone: `receipt ${receipt.provider}`,
  asks: [
    { statement: newestOf, given: [[receipt.channelId, receipt.provider]] },
    { statement: qualityOf, given: [[receipt.provider]] },
  ],
  apply: (unit, [newest = [], sums = []]) => {
    const { channelId, provider, bytes, signature } = receipt
    const line = unit.channel(channelId)
    if (!line) return refuse({ code: 'unknown-channel', channelId })
    const verdict = decide(line)
    if (!verdict.ok) return verdict
    const before = qualityFrom(sums[0], provider)
    const taken = countReceipt(before, newest[0] && countedFrom(newest[0]), {
      ...receipt,
      amount: receipt.amount,
    })
    if (!taken.ok) return taken
    const { amount, weight, throughputKbps, score, endedAt } = taken.counted
    unit.write(write, [
      ...[channelId, provider, amountText(amount), amountText(weight), bytes],
      ...[throughputKbps, score, endedAt, signature],
    ])
    const { sessions, paid, throughputSum, ratedPaid, scoreSum } = taken.quality
    unit.write(writeQuality, [
      provider,
      sessions,
      ...[paid, throughputSum, ratedPaid, scoreSum].map(amountText),
    ])
    return { ok: true, counted: wei(paid - before.paid) }
  },
})

const countedFrom = (row: Row): CountedRating => ({
  amount: amountOf(row.amount),
  weight: amountOf(row.weight),
  throughputKbps: Number(row.throughput_kbps),
  score: Number(row.score),
  endedAt: Number(row.ended_at),
})

export const qualityFrom = (row: Row | undefined, provider?: Address): Quality =>
  row
    ? {
        provider: addressOf(row.provider),
        sessions: Number(row.sessions),
        paid: amountOf(row.paid),
        throughputSum: amountOf(row.throughput_sum),
        ratedPaid: amountOf(row.rated_paid),
        scoreSum: amountOf(row.score_sum),
      }
    : noQuality(provider as Address)
