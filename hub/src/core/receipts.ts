import {
  type Address,
  type Document,
  freshnessSeconds,
  refuse,
  type UnixSeconds,
  type Verdict,
  type Wei,
  wei,
} from '@pontage/shared'
import { type ChannelLine, tabOf } from './channelLine.js'

/** Scores go from 1, of no use, to 5, nothing to wish for; 0 says nothing. */
export const bestScore = 5
/** 1 Tbit/s: nobody's tunnel is faster. */
const maxThroughputKbps = 1_000_000_000

/** What counts of a session receipt. */
export interface Rating {
  /** The running total of its (channel, provider) that the session reached. */
  readonly amount: Wei
  readonly throughputKbps: number
  readonly score: number
  readonly endedAt: number
}

/** The newest receipt of one (channel, provider), and what was paid between it and the one before. */
export interface CountedRating extends Rating {
  readonly weight: Wei
}

/** Sums over the receipts of one provider, each weighted by what was paid for its session. */
export interface Quality {
  readonly provider: Address
  readonly sessions: number
  readonly paid: Wei
  /** Σ paid · kbit/s. */
  readonly throughputSum: bigint
  /** Of what was paid, that for sessions with a score. */
  readonly ratedPaid: Wei
  /** Σ paid · score, over those. */
  readonly scoreSum: bigint
}

export const noQuality = (provider: Address): Quality => ({
  provider,
  sessions: 0,
  paid: wei(0n),
  throughputSum: 0n,
  ratedPaid: wei(0n),
  scoreSum: 0n,
})

/**
 * Decides whether a receipt counts: signed by the channel's consumer, plausible, and paid for by a promise that the
 * provider has cleared.
 *
 * @param signer - Recovered from its signature; undefined when that is malformed.
 */
export function judgeReceipt(
  line: ChannelLine,
  receipt: Document<'SessionReceipt'>,
  signer: Address | undefined,
  now: UnixSeconds,
): Verdict {
  const { provider, amount, bytes, throughputKbps, score, endedAt } = receipt
  if (signer === undefined) return refuse({ code: 'malformed-signature', document: 'SessionReceipt' })
  if (signer !== line.consumer)
    return refuse({ code: 'wrong-signer', document: 'SessionReceipt', signer, expected: line.consumer })
  const implausible = (problem: string) => refuse({ code: 'implausible-receipt', problem })
  if (score > bestScore) return implausible(`a score of ${score}, but the best is ${bestScore}`)
  if (throughputKbps > maxThroughputKbps || (throughputKbps > 0 && bytes === 0))
    return implausible(`${throughputKbps} kbit/s over ${bytes} bytes`)
  if (endedAt > now + freshnessSeconds)
    return implausible(`that it ended at ${endedAt}, but it is ${now} now`)
  const { cleared } = tabOf(line, provider)
  return amount > 0n && amount <= cleared
    ? { ok: true }
    : refuse({ code: 'uncovered-receipt', amount, cleared })
}

/**
 * Adds a receipt to its provider's sums. Amounts are running totals, so each counts what it adds to the newest before
 * it on the same (channel, provider); one of the same amount and a later time takes that one's place, as when a user
 * rates a session afterwards.
 *
 * @returns Refused with `superseded-receipt` when a newer one is there already, the same one again included.
 */
export function countReceipt(
  before: Quality,
  newest: CountedRating | undefined,
  receipt: Rating,
): Verdict<{ quality: Quality; counted: CountedRating }> {
  if (newest && (receipt.amount < newest.amount || receipt.endedAt <= newest.endedAt))
    return refuse({ code: 'superseded-receipt', amount: receipt.amount, counted: newest.amount })
  const replaces = newest?.amount === receipt.amount
  const weight = replaces ? newest.weight : wei(receipt.amount - (newest?.amount ?? 0n))
  const { amount, throughputKbps, score, endedAt } = receipt
  const counted = { amount, throughputKbps, score, endedAt, weight }
  const rest = replaces ? add(before, newest, -1n) : before
  return { ok: true, counted, quality: add(rest, counted, 1n) }
}

function add(to: Quality, { weight, throughputKbps, score }: CountedRating, sign: 1n | -1n): Quality {
  const rated = score > 0 ? weight : 0n
  return {
    provider: to.provider,
    sessions: to.sessions + Number(sign),
    paid: wei(to.paid + sign * weight),
    throughputSum: to.throughputSum + sign * weight * BigInt(throughputKbps),
    ratedPaid: wei(to.ratedPaid + sign * rated),
    scoreSum: to.scoreSum + sign * rated * BigInt(score),
  }
}
