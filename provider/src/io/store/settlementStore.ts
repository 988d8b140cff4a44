import { type Address, type Hex, type UnixSeconds, unixSeconds, type Wei } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type { Db } from './storeSchema.js'

/** A protest demands; what it brings in the end is a draw. */
export type SettlementKind = 'draw' | 'redeem' | 'protest'

/** What one transaction did for us with one hub. */
export interface Settlement {
  readonly kind: SettlementKind
  readonly hub: Address
  /** What it moved; of a protest, what it demands. */
  readonly amount: Wei
  /** Paid out in total after a redemption; of the others, what it moved. */
  readonly total: Wei
  /** Gas that we paid for; zero when somebody else sent it. */
  readonly gasUsed: number
  /** In the smallest unit of the chain's coin. */
  readonly gasPrice: bigint
  readonly transaction: Hex
  readonly block: number
  readonly at: UnixSeconds
}

interface Row {
  kind: SettlementKind
  hub: Buffer
  amount: Buffer
  total: Buffer
  gas_used: number
  gas_price: Buffer | null
  transaction: Buffer
  block: number
  at: number
}

/** Every draw, redemption and protest, with its gas. */
export class SettlementStore {
  constructor(private readonly db: Db) {}

  /** Keeps one, unless it is known already. @returns whether it was news. */
  add(settlement: Settlement): boolean {
    const { changes } = this.db
      .prepare(
        `INSERT INTO settlement (kind, hub, amount, total, gas_used, gas_price, "transaction", block, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      )
      .run(
        settlement.kind,
        hexBlob(settlement.hub),
        amountBlob(settlement.amount),
        amountBlob(settlement.total),
        settlement.gasUsed,
        amountBlob(settlement.gasPrice),
        hexBlob(settlement.transaction),
        settlement.block,
        settlement.at,
      )
    return changes > 0
  }

  /** Whether anything of a transaction is kept. */
  has(transaction: Hex, kind: SettlementKind, hub: Address): boolean {
    return (
      this.db
        .prepare('SELECT 1 FROM settlement WHERE "transaction" = ? AND kind = ? AND hub = ?')
        .get(hexBlob(transaction), kind, hexBlob(hub)) !== undefined
    )
  }

  /** Remembers that everything up to a block was looked through. */
  follow(block: number): void {
    this.db
      .prepare(
        'INSERT INTO followed (id, block) VALUES (1, ?) ON CONFLICT DO UPDATE SET block = max(block, excluded.block)',
      )
      .run(block)
  }

  /** The block up to which everything was looked through, else the newest of which anything is kept; undefined before that. */
  lastBlock(): number | undefined {
    const row = this.db
      .prepare<[], { last: number | null }>(
        'SELECT coalesce((SELECT block FROM followed), (SELECT max(block) FROM settlement)) AS last',
      )
      .get()
    return row?.last ?? undefined
  }

  /** The latest of a kind with a hub. */
  last(kind: SettlementKind, hub: Address): Settlement | undefined {
    const row = this.db
      .prepare<[string, Buffer], Row>(
        'SELECT * FROM settlement WHERE kind = ? AND hub = ? ORDER BY number DESC LIMIT 1',
      )
      .get(kind, hexBlob(hub))
    return row && readRow(row)
  }

  /** Oldest first. */
  all(): Settlement[] {
    return this.db.prepare<[], Row>('SELECT * FROM settlement ORDER BY number').all().map(readRow)
  }
}

const readRow = (row: Row): Settlement => ({
  kind: row.kind,
  hub: addressFrom(row.hub),
  amount: amountFrom(row.amount),
  total: amountFrom(row.total),
  gasUsed: row.gas_used,
  gasPrice: row.gas_price === null ? 0n : amountFrom(row.gas_price),
  transaction: hexFrom(row.transaction),
  block: row.block,
  at: unixSeconds(row.at),
})
