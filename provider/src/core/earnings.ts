import type { Address, Wei } from '@pontage/shared'

/** A session, as far as what it brought. */
export interface EarningSession {
  readonly id: string
  readonly hub: Address
  /** When it ended, or began where it has not. */
  readonly at: number
  readonly bytes: bigint
  /** Wei promised in it. */
  readonly promised: bigint
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

/** Adds up what was earned, in order of day, of session as they come, or of hub. */
export function earningsBy(
  by: EarningsBy,
  sessions: Iterable<EarningSession>,
  settlements: readonly EarningSettlement[],
): Earnings[] {
  const rows = new Map<string, Sum>()
  const dayOf = createDays()
  const sumOf = (of: string): Sum => {
    const known = rows.get(of)
    if (known) return known
    const sum = none(of)
    rows.set(of, sum)
    return sum
  }
  for (const { id, hub, at, bytes, promised } of sessions) {
    const sum = sumOf(by === 'session' ? id : by === 'hub' ? hub : dayOf(at))
    sum.sessions++
    sum.bytes += bytes
    sum.promised += promised
  }
  if (by !== 'session')
    for (const { kind, hub, amount, gasUsed, gasPrice, at } of settlements) {
      const sum = sumOf(by === 'hub' ? hub : dayOf(at))
      if (kind === 'draw') sum.drawn += amount
      if (kind === 'redeem') sum.redeemed += amount
      sum.gas += gasUsed
      sum.gasPaid += BigInt(gasUsed) * gasPrice
    }
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

/** Earnings that are being added up. */
type Sum = { -readonly [Name in keyof Earnings]: Earnings[Name] }

const none = (of: string): Sum => ({
  ...{ of, sessions: 0, bytes: 0n, promised: 0n },
  ...{ drawn: 0n, redeemed: 0n, gas: 0, gasPaid: 0n },
})

/** The day (UTC) of a time, written once for all that happened on it. */
function createDays(): (seconds: number) => string {
  const days = new Map<number, string>()
  return (seconds) => {
    const number = Math.floor(seconds / 86_400)
    const day = days.get(number) ?? new Date(seconds * 1_000).toISOString().slice(0, 10)
    days.set(number, day)
    return day
  }
}
