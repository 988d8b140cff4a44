import { raiseCleared } from '../../core/clearing.js'
import type { ChainUpdate } from '../ledger.js'
import { statement } from './engine.js'
import type { Order } from './order.js'
import { amountText } from './rows.js'
import type { UnitOfWork } from './unitOfWork.js'

const writeChain = statement(`
  INSERT INTO chain (id, block_number, block_hash, block_at, pool, pending_withdrawal, fee_bps)
  {rows:number,number,text,number,bytes,bytes,number}
  ON CONFLICT (id) DO UPDATE SET block_number = excluded.block_number, block_hash = excluded.block_hash,
    block_at = excluded.block_at, pool = excluded.pool, pending_withdrawal = excluded.pending_withdrawal,
    fee_bps = excluded.fee_bps`)
const prune = statement('{with:number} DELETE FROM guarantee WHERE expires_at < ?1')

/**
 * Rows beside the newest one that keep earlier blocks: the last of each 64, and of each 4,096, 32 of either. From the newest
 * of them that the chain still has, it is read again after a reorganisation.
 */
const landmarkIds = (block: number): number[] =>
  [64, 4_096].map((every, ring) => 2 + ring * 32 + (Math.floor(block / every) % 32))
// Anybody can have a tab opened; one on which nothing was ever promised says nothing once its guarantee is gone.
const pruneIdle = statement(`{with:number,bytes,bytes,bytes}
  DELETE FROM tab WHERE idle = 1 AND held_signature IS NULL AND expires_at < ?1 AND cleared = ?2 AND drawn = ?3 AND protested = ?4`)
export const idleSeconds = 86_400

/** Takes in what the chain says as of a block. */
export const chainOrder = (update: ChainUpdate): Order<void> => ({
  channels: [...update.channels, ...update.tabs].map(({ channelId }) => channelId),
  providers: [...update.accounts, ...update.tabs].map(({ provider }) => provider),
  alone: '*',
  apply: (unit) => {
    // Another process has seen more of the chain meanwhile: what it wrote is newer.
    if (unit.cursor && unit.cursor.number > update.cursor.number) return
    takeIn(unit, update)
  },
})

function takeIn(unit: UnitOfWork, { cursor, hub, channels, tabs, accounts }: ChainUpdate): void {
  for (const channel of channels) {
    const { consumer, nonce } = unit.channel(channel.channelId) ?? channel
    unit.putChannel({ ...channel, consumer, nonce })
  }
  for (const { channelId, provider, drawn, protested, protestEndsAt } of tabs) {
    if (!unit.channel(channelId)) continue
    const tab = unit.tab(channelId, provider)
    unit.putTab(channelId, { ...tab, drawn, protested, protestEndsAt })
    raiseCleared(unit, channelId, provider, drawn, hub.feeBps)
  }
  for (const { provider, credited, paid } of accounts)
    unit.putAccount({ ...unit.account(provider), credited, paid })
  unit.write(prune, [cursor.at])
  const none = amountText(0n)
  unit.write(pruneIdle, [Math.max(0, cursor.at - idleSeconds), none, none, none])
  for (const id of [1, ...landmarkIds(cursor.number)])
    unit.write(writeChain, [
      id,
      cursor.number,
      cursor.hash,
      cursor.at,
      amountText(hub.balance),
      amountText(hub.pendingWithdrawal),
      hub.feeBps,
    ])
}
