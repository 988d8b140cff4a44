import { type Address, address, wei } from '@pontage/shared'
import type { Publication } from '../ledger.js'
import { plain, type Row, statement } from './engine.js'
import type { Order } from './order.js'
import { addressOf, amountOf, amountText, hexOf } from './rows.js'

/** Publications that stay, the newest. */
const kept = 48
const newestFirst = 'ORDER BY published_at DESC, block_number DESC'

const insert = statement(`
  INSERT INTO publication (root, block_number, hub, sum, pool, signature, published_at, leaves)
  {rows:bytes,number,bytes,bytes,bytes,bytes,number,text} ON CONFLICT (root, block_number) DO NOTHING`)
const prune = statement(`
  DELETE FROM publication WHERE (root, block_number) NOT IN (
    SELECT root, block_number FROM publication ${newestFirst} LIMIT ${kept})`)
export const readNewestIds = statement(
  `{with:number} SELECT root, block_number FROM publication ${newestFirst} LIMIT ?1`,
)
export const readNewestPublication = plain(statement(`SELECT * FROM publication ${newestFirst} LIMIT 1`))
export const findPublication = statement(
  'SELECT * FROM publication WHERE (root, block_number) {among:bytes,number}',
)

/** Keeps what the hub published of what it owes. */
export const publicationOrder = ({ liabilities, leaves, publishedAt }: Publication): Order<void> => ({
  apply: (unit) => {
    const { root, blockNumber, hub, sum, pool, signature } = liabilities
    const text = JSON.stringify(
      leaves.map(({ provider, total, outstanding }) => [provider, `${total}`, `${outstanding}`]),
    )
    unit.write(insert, [
      ...[root, blockNumber, hub, amountText(sum), amountText(pool), signature],
      ...[publishedAt, text],
    ])
    unit.write(prune, [])
  },
})

export const publicationFrom = (row: Row): Publication => ({
  liabilities: {
    hub: addressOf(row.hub),
    root: hexOf(row.root),
    sum: amountOf(row.sum),
    pool: amountOf(row.pool),
    blockNumber: Number(row.block_number),
    signature: hexOf(row.signature),
  },
  leaves: (JSON.parse(String(row.leaves)) as [Address, string, string][]).map(
    ([provider, total, outstanding]) => ({
      provider: address(provider),
      total: wei(BigInt(total)),
      outstanding: wei(BigInt(outstanding)),
    }),
  ),
  publishedAt: Number(row.published_at),
})
