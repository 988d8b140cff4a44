import type { Units } from '../../shared/pages/amounts.js'

/** A line of `pontage-provider earnings --json`; `of` is a day, a session or a hub. */
export interface EarningsRow {
  readonly of: string
  readonly sessions: number
  readonly bytes: string
  readonly promised: string
  readonly drawn: string
  readonly redeemed: string
  readonly gasPaid: string
}
export interface Earnings {
  readonly rows: readonly EarningsRow[]
  readonly total: EarningsRow
  readonly units?: Units
}

/** Promised within so many days, today included, in UTC. */
export function earnedSince({ rows }: Earnings, days: number): bigint {
  const first = new Date(Date.now() - (days - 1) * 86_400_000).toISOString().slice(0, 10)
  return rows.filter(({ of }) => of >= first).reduce((sum, row) => sum + BigInt(row.promised), 0n)
}
