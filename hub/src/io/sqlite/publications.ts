import { type Address, address, type Hex, wei } from '@pontage/shared'
import { addressFrom, amountBlob, amountFrom, hexBlob, hexFrom } from '@pontage/shared/node'
import type Database from 'better-sqlite3'
import type { Publication } from '../ledger.js'

/** Keeps what the hub published of what it owes. */
export interface Publications {
  record(publication: Publication): void
  find(of?: { root: Hex; blockNumber: number }): Publication | undefined
}

interface Row {
  root: Buffer
  block_number: number
  hub: Buffer
  sum: Buffer
  pool: Buffer
  signature: Buffer
  published_at: number
  leaves: string
}

/** Publications that stay, the newest. */
const kept = 48

export function preparePublications(database: Database.Database): Publications {
  const insert = database.prepare(`
    INSERT INTO publication (root, block_number, hub, sum, pool, signature, published_at, leaves)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root, block_number) DO NOTHING`)
  const prune = database.prepare(`
    DELETE FROM publication WHERE (root, block_number) NOT IN (
      SELECT root, block_number FROM publication ORDER BY published_at DESC, block_number DESC LIMIT ${kept})`)
  const newest = database.prepare(
    'SELECT * FROM publication ORDER BY published_at DESC, block_number DESC LIMIT 1',
  )
  const one = database.prepare('SELECT * FROM publication WHERE root = ? AND block_number = ?')

  return {
    record({ liabilities, leaves, publishedAt }) {
      const { root, blockNumber, hub, sum, pool, signature } = liabilities
      insert.run(
        hexBlob(root),
        blockNumber,
        hexBlob(hub),
        amountBlob(sum),
        amountBlob(pool),
        hexBlob(signature),
        publishedAt,
        JSON.stringify(
          leaves.map(({ provider, total, outstanding }) => [provider, `${total}`, `${outstanding}`]),
        ),
      )
      prune.run()
    },
    find(of) {
      const row = (of ? one.get(hexBlob(of.root), of.blockNumber) : newest.get()) as Row | undefined
      return row && asPublication(row)
    },
  }
}

const asPublication = (row: Row): Publication => ({
  liabilities: {
    hub: addressFrom(row.hub),
    root: hexFrom(row.root),
    sum: amountFrom(row.sum),
    pool: amountFrom(row.pool),
    blockNumber: row.block_number,
    signature: hexFrom(row.signature),
  },
  leaves: (JSON.parse(row.leaves) as [Address, string, string][]).map(([provider, total, outstanding]) => ({
    provider: address(provider),
    total: wei(BigInt(total)),
    outstanding: wei(BigInt(outstanding)),
  })),
  publishedAt: row.published_at,
})
