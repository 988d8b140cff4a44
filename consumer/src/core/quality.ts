import { type Address, type Wei, wei } from '@pontage/shared'
import type { StoredReceipt } from './journalEntry.js'

/** What session receipts say of a provider, weighted by what was paid for each. */
export interface Quality {
  readonly sessions: number
  readonly paid: Wei
  /** Kilobits a second while traffic flowed; null where no session says anything. */
  readonly throughputKbps: number | null
  /** 1 (of no use) to 5; null where nobody rated it. */
  readonly score: number | null
}

/** What one's own receipts say of each provider, by a look through them once. A session for nothing says nothing. */
export function ownQualities(receipts: readonly StoredReceipt[]): (provider: Address) => Quality {
  const paid = new Map<Address, StoredReceipt[]>()
  for (const receipt of receipts) {
    if (receipt.spent === 0n) continue
    const known = paid.get(receipt.provider)
    if (known) known.push(receipt)
    else paid.set(receipt.provider, [receipt])
  }
  return (provider) => qualityOf(paid.get(provider) ?? [])
}

function qualityOf(paid: readonly StoredReceipt[]): Quality {
  return {
    sessions: paid.length,
    paid: wei(paid.reduce((sum, { spent }) => sum + spent, 0n)),
    throughputKbps: weighted(
      paid.filter(({ bytes }) => bytes > 0),
      ({ throughputKbps }) => throughputKbps,
    ),
    score: weighted(
      paid.filter(({ score }) => score > 0),
      ({ score }) => score,
    ),
  }
}

function weighted(receipts: readonly StoredReceipt[], of: (receipt: StoredReceipt) => number): number | null {
  const weights = receipts.reduce((sum, { spent }) => sum + Number(spent), 0)
  if (weights === 0) return null
  return receipts.reduce((sum, receipt) => sum + of(receipt) * (Number(receipt.spent) / weights), 0)
}

/** Better ones first: by score, then by throughput; one of which nothing is known comes last. */
export function betterFirst(a: Quality, b: Quality): number {
  const known = (value: number | null): number => value ?? Number.NEGATIVE_INFINITY
  return order(known(a.score), known(b.score)) || order(known(a.throughputKbps), known(b.throughputKbps))
}

const order = (a: number, b: number): number => (a === b ? 0 : a > b ? -1 : 1)
