import type { Address, Hex, UnixSeconds, Wei } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type { Db } from './storeSchema.js'

/** One transaction by which money moved towards us. */
export interface Settlement {
  readonly kind: 'draw' | 'redeem'
  readonly hub: Address
  /** What it moved. */
  readonly amount: Wei
  /** Running total after it: drawn, or paid. */
  readonly total: Wei
  readonly gasUsed: number
  readonly transaction: Hex
  readonly block: number
  readonly at: UnixSeconds
}

interface Row {
  kind: 'draw' | 'redeem'
  hub: Buffer
  amount: Buffer
  total: Buffer
  gas_used: number
  transaction: Buffer
  block: number
  at: number
}

/** Every draw and redemption, with its gas. */
export class SettlementStore {
  constructor(private readonly db: Db) {}

  add(settlement: Settlement): void {
    this.db
      .prepare(
        `INSERT INTO settlement (kind, hub, amount, total, gas_used, "transaction", block, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        settlement.kind,
        hexBlob(settlement.hub),
        amountBlob(settlement.amount),
        amountBlob(settlement.total),
        settlement.gasUsed,
        hexBlob(settlement.transaction),
        settlement.block,
        settlement.at,
      )
  }

  /** Oldest first. */
  all(): Settlement[] {
    return this.db
      .prepare<[], Row>('SELECT * FROM settlement ORDER BY number')
      .all()
      .map((row) => ({
        kind: row.kind,
        hub: addressFrom(row.hub),
        amount: amountFrom(row.amount),
        total: amountFrom(row.total),
        gasUsed: row.gas_used,
        transaction: hexFrom(row.transaction),
        block: row.block,
        at: row.at as UnixSeconds,
      }))
  }
}
