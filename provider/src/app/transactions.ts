import { type Address, wei } from '@pontage/shared'
import { redeemable } from '../core/redeemPolicy.js'
import { readAccount, readChannel } from '../io/chainViews.js'
import { readPayments } from '../io/channelEvents.js'
import type { StoredChannel } from '../io/promiseStore.js'
import type { Parts } from './parts.js'

/** Channels in one draw: a transaction stays far below any block's gas. */
const drawBatch = 50

/**
 * Redeems what waits with a hub and what it promised beyond.
 *
 * @returns Tokens paid to the beneficiary; zero when nothing was due, and then nothing is sent.
 * @throws UserError when the chain refuses it.
 */
export async function redeemAccount(
  parts: Omit<Parts, 'commit' | 'sessions'>,
  hub: Address,
): Promise<bigint> {
  const { chain, identity, sender, promises, settlements, clock, log } = parts
  // What a crash left on its way may be a redemption: its effect must be seen before the next.
  await sender.settleEarlier()
  const promise = promises.hubPromise(hub)
  const account = await readAccount(chain, hub, identity.address)
  const due = redeemable(promise.total, account)
  if (due === 0n) return 0n
  const onPromise = promise.total > account.credited
  const sent = await sender.send(
    chain.channels.redeem.populateTransaction({
      hub,
      provider: identity.address,
      total: onPromise ? promise.total : 0n,
      signature: onPromise ? promise.signature : '0x',
    }),
  )
  const { redeemed, paid } = readPayments(chain, sent.receipt.logs, identity.address)
  const { transaction, gasUsed, blockNumber } = sent
  const total = wei(paid ?? account.paid + redeemed)
  settlements.add({
    kind: 'redeem',
    hub,
    amount: wei(redeemed),
    total,
    gasUsed,
    transaction,
    block: blockNumber,
    at: clock.now(),
  })
  log.info('redeemed', { hub, amount: redeemed, total, transaction, gasUsed })
  if (redeemed < due) log.warn('the hub could not pay in full', { hub, due, paid: redeemed })
  return redeemed
}

/** Draws promises from their channels under their guarantees, in batches. */
export async function drawPromises(
  parts: Omit<Parts, 'commit' | 'sessions'>,
  hub: Address,
  channels: readonly StoredChannel[],
): Promise<void> {
  const { chain, identity, sender, promises, settlements, clock, log } = parts
  const orders = channels.flatMap(({ parties, promise, guarantee }) =>
    promise && guarantee
      ? [
          {
            parties,
            provider: identity.address,
            amount: promise.amount,
            promiseSignature: promise.signature,
            ceiling: guarantee.ceiling,
            expiresAt: guarantee.expiresAt,
            guaranteeSignature: guarantee.signature,
          },
        ]
      : [],
  )
  await sender.settleEarlier()
  for (let first = 0; first < orders.length; first += drawBatch) {
    const batch = orders.slice(first, first + drawBatch)
    const sent = await sender.send(chain.channels.drawMany.populateTransaction(batch))
    const { drawn } = readPayments(chain, sent.receipt.logs, identity.address)
    const { transaction, gasUsed, blockNumber } = sent
    settlements.add({
      kind: 'draw',
      hub,
      amount: wei(drawn),
      total: wei(drawn),
      gasUsed,
      transaction,
      block: blockNumber,
      at: clock.now(),
    })
    log.info('drew', { hub, amount: drawn, channels: batch.length, transaction, gasUsed })
  }
  const now = await Promise.all(
    channels.map(async ({ channelId }) => ({
      channelId,
      amount: (await readChannel(chain, channelId, identity.address)).drawn,
    })),
  )
  promises.noteDrawn(now)
}
