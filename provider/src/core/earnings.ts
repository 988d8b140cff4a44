import type { Address, Wei } from '@pontage/shared'

/** A session, as far as what it brought. */
export interface EarningSession {
  readonly id: string
  readonly consumer: Address
  readonly hub: Address
  readonly startedAt: number
  readonly endedAt: number | undefined
  readonly downBytes: bigint
  readonly upBytes: bigint
  /** Promised on the channel before it, and in total. */
  readonly base: Wei
  readonly promised: Wei
}

/** A transaction, as far as what it brought and cost. */
export interface EarningSettlement {
  readonly kind: 'draw' | 'redeem' | 'protest'
  readonly hub: Address
  readonly amount: Wei
  readonly gasUsed: number
  readonly gasPrice: bigint
  readonly at: number
}

/** What some sessions and transactions brought, and what gas they cost. */
export interface Earnings {
  /** The day (UTC), the hub or the session. */
  readonly of: string
  readonly sessions: number
  readonly bytes: bigint
  /** Wei promised by consumers, before the hub's fee. */
  readonly promised: bigint
  /** Wei drawn from channels, before the fee; and paid out. Neither is known of a single session. */
  readonly drawn: bigint
  readonly redeemed: bigint
  /** Gas of our own transactions, and its price in the chain's coin's smallest unit. */
  readonly gas: number
  readonly gasPaid: bigint
}

export type EarningsBy = 'day' | 'session' | 'hub'

/** Adds up what was earned, in order of day, of session, or of hub. */
export function earningsBy(
  by: EarningsBy,
  sessions: readonly EarningSession[],
  settlements: readonly EarningSettlement[],
): Earnings[] {
  const rows = new Map<string, Earnings>()
  const add = (of: string, more: Partial<Earnings>) => {
    const row = rows.get(of) ?? none(of)
    rows.set(of, {
      of,
      sessions: row.sessions + (more.sessions ?? 0),
      bytes: row.bytes + (more.bytes ?? 0n),
      promised: row.promised + (more.promised ?? 0n),
      drawn: row.drawn + (more.drawn ?? 0n),
      redeemed: row.redeemed + (more.redeemed ?? 0n),
      gas: row.gas + (more.gas ?? 0),
      gasPaid: row.gasPaid + (more.gasPaid ?? 0n),
    })
  }
  for (const each of sessions) {
    const { id, hub, startedAt, endedAt, downBytes, upBytes, base, promised } = each
    const of = by === 'session' ? id : by === 'hub' ? hub : dayOf(endedAt ?? startedAt)
    add(of, { sessions: 1, bytes: downBytes + upBytes, promised: promised - base })
  }
  if (by !== 'session')
    for (const { kind, hub, amount, gasUsed, gasPrice, at } of settlements)
      add(by === 'hub' ? hub : dayOf(at), {
        ...(kind === 'draw' ? { drawn: amount } : kind === 'redeem' ? { redeemed: amount } : {}),
        gas: gasUsed,
        gasPaid: BigInt(gasUsed) * gasPrice,
      })
  const all = [...rows.values()]
  return by === 'session' ? all : all.sort((a, b) => (a.of < b.of ? -1 : 1))
}

/** All rows together. */
export const totalOf = (rows: readonly Earnings[]): Earnings =>
  rows.reduce(
    (sum, row) => ({
      of: sum.of,
      sessions: sum.sessions + row.sessions,
      bytes: sum.bytes + row.bytes,
      promised: sum.promised + row.promised,
      drawn: sum.drawn + row.drawn,
      redeemed: sum.redeemed + row.redeemed,
      gas: sum.gas + row.gas,
      gasPaid: sum.gasPaid + row.gasPaid,
    }),
    none('total'),
  )

const none = (of: string): Earnings => ({
  ...{ of, sessions: 0, bytes: 0n, promised: 0n },
  ...{ drawn: 0n, redeemed: 0n, gas: 0, gasPaid: 0n },
})

const dayOf = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10)
