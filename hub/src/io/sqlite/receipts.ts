import type { Address } from '@pontage/shared'
import { refuse, type Verdict, type Wei } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import { type CountedRating, countReceipt, noQuality, type Quality } from '../../core/receipts.js'
import type { ReceiptOrder } from '../ledger.js'
import type { Lines } from './lines.js'

/** Keeps what consumers say of sessions: the newest receipt of each tab, and each provider's sums. */
export interface Receipts {
  record(order: ReceiptOrder): Verdict<{ counted: Wei }>
  qualities(): Quality[]
}

interface ReceiptRow {
  amount: Buffer
  weight: Buffer
  throughput_kbps: number
  score: number
  ended_at: number
}
interface QualityRow {
  provider: Buffer
  sessions: number
  paid: Buffer
  throughput_sum: Buffer
  rated_paid: Buffer
  score_sum: Buffer
}

export function prepareReceipts(database: Database.Database, lines: Lines): Receipts {
  const newestOf = database.prepare('SELECT * FROM receipt WHERE channel_id = ? AND provider = ?')
  const write = database.prepare(`
    INSERT INTO receipt (channel_id, provider, amount, weight, bytes, throughput_kbps, score, ended_at, signature)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (channel_id, provider) DO UPDATE SET amount = excluded.amount, weight = excluded.weight,
      bytes = excluded.bytes, throughput_kbps = excluded.throughput_kbps, score = excluded.score,
      ended_at = excluded.ended_at, signature = excluded.signature`)
  const qualityOf = database.prepare('SELECT * FROM quality WHERE provider = ?')
  const all = database.prepare('SELECT * FROM quality')
  const writeQuality = database.prepare(`
    INSERT INTO quality (provider, sessions, paid, throughput_sum, rated_paid, score_sum) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (provider) DO UPDATE SET sessions = excluded.sessions, paid = excluded.paid,
      throughput_sum = excluded.throughput_sum, rated_paid = excluded.rated_paid, score_sum = excluded.score_sum`)

  const quality = (provider: Address): Quality => {
    const row = qualityOf.get(hexBlob(provider)) as QualityRow | undefined
    return row ? asQuality(row) : noQuality(provider)
  }

  return {
    record({ receipt, decide }) {
      const { channelId, provider, bytes, signature } = receipt
      const line = lines.channel(channelId)
      if (!line) return refuse({ code: 'unknown-channel', channelId })
      const verdict = decide(line)
      if (!verdict.ok) return verdict
      const key = [hexBlob(channelId), hexBlob(provider)] as const
      const row = newestOf.get(...key) as ReceiptRow | undefined
      const before = quality(provider)
      const taken = countReceipt(before, row && asCounted(row), { ...receipt, amount: receipt.amount as Wei })
      if (!taken.ok) return taken
      const { amount, weight, throughputKbps, score, endedAt } = taken.counted
      write.run(
        ...key,
        amountBlob(amount),
        amountBlob(weight),
        bytes,
        throughputKbps,
        score,
        endedAt,
        hexBlob(signature),
      )
      const { sessions, paid, throughputSum, ratedPaid, scoreSum } = taken.quality
      writeQuality.run(
        key[1],
        sessions,
        amountBlob(paid),
        amountBlob(throughputSum),
        amountBlob(ratedPaid),
        amountBlob(scoreSum),
      )
      return { ok: true, counted: (paid - before.paid) as Wei }
    },
    qualities: () => (all.all() as QualityRow[]).map(asQuality),
  }
}

const asCounted = (row: ReceiptRow): CountedRating => ({
  amount: amountFrom(row.amount),
  weight: amountFrom(row.weight),
  throughputKbps: row.throughput_kbps,
  score: row.score,
  endedAt: row.ended_at,
})

const asQuality = (row: QualityRow): Quality => ({
  provider: addressFrom(row.provider),
  sessions: row.sessions,
  paid: amountFrom(row.paid),
  throughputSum: amountFrom(row.throughput_sum),
  ratedPaid: amountFrom(row.rated_paid),
  scoreSum: amountFrom(row.score_sum),
})
