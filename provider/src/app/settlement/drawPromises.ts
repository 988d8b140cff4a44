import type { Hex } from '@pontage/shared'
import { readTab } from '@pontage/shared/node'
import { readPayments } from '../../io/chain/chainNews.js'
import type { StoredChannel } from '../../io/store/promiseStore.js'
import { recordPayments } from './paymentHistory.js'
import type { SendingComponents } from './transactions.js'

/** Channels in one draw: a transaction stays far below any block's gas. */
const drawBatch = 50

/**
 * Draws promises from their channels under their guarantees, in batches. One that the chain refuses, because its
 * guarantee has just ended or somebody drew it, is passed over; the others are drawn all the same.
 *
 * @returns Channels whose draw is in a block.
 */
export async function drawPromises(
  components: SendingComponents,
  channels: readonly StoredChannel[],
): Promise<ReadonlySet<Hex>> {
  const { chain, identity, sender, promises, log } = components
  const orders = channels.flatMap((channel) => {
    const order = orderFor(components, channel)
    return order ? [{ channelId: channel.channelId, order }] : []
  })
  const drawn = new Set<Hex>()
  if (orders.length > 0) await sender.settleEarlier()
  for (let first = 0; first < orders.length; first += drawBatch) {
    const batch = orders.slice(first, first + drawBatch)
    try {
      for (const { channelId } of await drawBatchOf(components, batch)) drawn.add(channelId)
    } catch (error) {
      log.error('settling failed', { step: 'draw', channels: batch.length, reason: (error as Error).message })
    }
  }
  const now = await Promise.all(
    channels.map(async ({ channelId }) => ({
      channelId,
      amount: (await readTab(chain, channelId, identity.address)).drawn,
    })),
  )
  promises.noteDrawn(now)
  return drawn
}

interface Order {
  readonly channelId: Hex
  readonly order: NonNullable<ReturnType<typeof orderFor>>
}

/** Draws a batch, without those that are dead if it is refused as a whole. @returns what was drawn. */
async function drawBatchOf(
  components: SendingComponents,
  batch: readonly Order[],
): Promise<readonly Order[]> {
  const { chain, sender, identity, log } = components
  const send = async (orders: readonly Order[]) => {
    const call = chain.channels.drawMany.populateTransaction(orders.map(({ order }) => order))
    const { receipt } = await sender.send(call)
    await recordPayments(components, readPayments(chain, receipt.logs, identity.address))
    return orders
  }
  try {
    return await send(batch)
  } catch (error) {
    const refusals = await Promise.all(
      batch.map(({ order }) =>
        chain.channels.drawMany.staticCall([order], { from: identity.address }).then(
          () => undefined,
          (refusal: Error) => refusal.message,
        ),
      ),
    )
    const alive = batch.filter((_, index) => refusals[index] === undefined)
    // Nothing is dead, so something else is wrong; or all are, and there is nothing to draw.
    if (alive.length === batch.length || alive.length === 0) throw error
    for (const [index, reason] of refusals.entries())
      if (reason !== undefined)
        log.warn('passed over in a draw', {
          channelId: batch[index]?.channelId,
          reason: reason.slice(0, 200),
        })
    return send(alive)
  }
}

const orderFor = (
  { identity }: Pick<SendingComponents, 'identity'>,
  { parties, promise, guarantee }: StoredChannel,
) =>
  promise && guarantee
    ? {
        parties,
        provider: identity.address,
        amount: promise.amount,
        promiseSignature: promise.signature,
        ceiling: guarantee.ceiling,
        expiresAt: guarantee.expiresAt,
        guaranteeSignature: guarantee.signature,
      }
    : undefined
