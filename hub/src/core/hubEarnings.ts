import { type Address, type Hex, type Wei, wei } from '@pontage/shared'

/** A draw, as far as what it brought the hub. */
export interface Draw {
  readonly channelId: Hex
  readonly provider: Address
  /** What left the channel, and what of it the hub kept. */
  readonly amount: Wei
  readonly fee: Wei
  /** Unix seconds of its block. */
  readonly at: number
}

/** What some draws brought. */
export interface HubEarnings {
  /** The day (UTC), the provider or the channel. */
  readonly of: string
  readonly draws: number
  readonly drawn: Wei
  readonly fees: Wei
}

export type HubEarningsBy = 'day' | 'provider' | 'channel'

/** Adds up draws, in order of day, provider or channel. */
export function hubEarningsBy(by: HubEarningsBy, draws: readonly Draw[]): HubEarnings[] {
  const rows = new Map<string, HubEarnings>()
  for (const each of draws) {
    const of = by === 'day' ? dayOf(each.at) : by === 'provider' ? each.provider : each.channelId
    const row = rows.get(of) ?? none(of)
    rows.set(of, plus(row, { draws: 1, drawn: each.amount, fees: each.fee }))
  }
  return [...rows.values()].sort((a, b) => (a.of < b.of ? -1 : 1))
}

/** All rows together: the same, whatever they are for. */
export const totalOfHub = (rows: readonly HubEarnings[]): HubEarnings => rows.reduce(plus, none('total'))

const plus = (row: HubEarnings, more: Omit<HubEarnings, 'of'>): HubEarnings => ({
  of: row.of,
  draws: row.draws + more.draws,
  drawn: wei(row.drawn + more.drawn),
  fees: wei(row.fees + more.fees),
})

const none = (of: string): HubEarnings => ({ of, draws: 0, drawn: wei(0n), fees: wei(0n) })

const dayOf = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10)
