import type { Address, Hex, Wei } from '@pontage/shared'
import { addCredit, creditFor } from '../../core/credit.js'
import type { ChainUpdate } from '../ledger.js'
import { statement } from './engine.js'
import type { Order } from './orders.js'
import { amountText } from './rows.js'
import type { Books } from './unitOfWork.js'

const writeChain = statement(`
  INSERT INTO chain (id, block_number, block_hash, block_at, pool, pending_withdrawal, fee_bps)
  {rows:number,number,text,number,bytes,bytes,number}
  ON CONFLICT (id) DO UPDATE SET block_number = excluded.block_number, block_hash = excluded.block_hash,
    block_at = excluded.block_at, pool = excluded.pool, pending_withdrawal = excluded.pending_withdrawal,
    fee_bps = excluded.fee_bps`)
const prune = statement('{with:number} DELETE FROM guarantee WHERE expires_at < ?1')

/** Takes in what the chain says as of a block. */
export const chainOrder = (update: ChainUpdate): Order<void> => ({
  channels: [...update.channels, ...update.tabs].map(({ channelId }) => channelId),
  providers: [...update.accounts, ...update.tabs].map(({ provider }) => provider),
  alone: '*',
  apply: (books) => {
    // Another process has seen more of the chain meanwhile: what it wrote is newer.
    if (books.cursor && books.cursor.number > update.cursor.number) return
    takeIn(books, update)
  },
})

function takeIn(books: Books, { cursor, hub, channels, tabs, accounts }: ChainUpdate): void {
  for (const channel of channels) {
    const { consumer, nonce } = books.channel(channel.channelId) ?? channel
    books.putChannel({ ...channel, consumer, nonce })
  }
  for (const { channelId, provider, drawn, protested } of tabs) {
    if (!books.channel(channelId)) continue
    const tab = books.tab(channelId, provider)
    books.putTab(channelId, { ...tab, drawn, protested })
    creditDrawn(books, channelId, provider, drawn, hub.feeBps)
  }
  for (const { provider, credited, paid } of accounts)
    books.putAccount({ ...books.account(provider), credited, paid })
  books.write(prune, [cursor.at])
  books.write(writeChain, [
    1,
    cursor.number,
    cursor.hash,
    cursor.at,
    amountText(hub.balance),
    amountText(hub.pendingWithdrawal),
    hub.feeBps,
  ])
}

/** What a provider drew before it cleared is in its account on chain, so the promise to it must include it. */
function creditDrawn(books: Books, channelId: Hex, provider: Address, drawn: Wei, feeBps: number): void {
  const tab = books.tab(channelId, provider)
  if (drawn <= tab.cleared) return
  books.putTab(channelId, { ...tab, cleared: drawn })
  const account = books.account(provider)
  books.putAccount({ ...account, ...addCredit(account, creditFor(tab.cleared, drawn, feeBps)) })
}
