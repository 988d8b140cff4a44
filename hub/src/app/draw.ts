import { address, bytes32 } from '@pontage/shared'
import type { DrawOrder } from '../io/ledger.js'
import type { Parts } from './parts.js'

/** Brings in what providers were promised for, from the consumers' channels. */
export interface Treasury {
  /** Draws what the policy chooses, and returns when the ledger knows of it. */
  draw(options: { forced: boolean }): Promise<void>
  /** Looks whether something is to be drawn, without making anybody wait. */
  consider(): void
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>
}

export function createTreasury(parts: Parts): Treasury {
  const { ledger, rules, settings, watch, log } = parts
  let last: Promise<void> = Promise.resolve()
  let waiting = false

  async function drawNow(forced: boolean): Promise<void> {
    const undrawn = await ledger.undrawn()
    const pool = await ledger.standing()
    const chosen = rules.draws(undrawn, await ledger.accounts(), pool, settings, forced)
    const orders = await stillDue(
      parts,
      undrawn.filter((order) => chosen.includes(order)),
    )
    if (orders.length === 0) return
    await send(parts, orders)
    await watch.catchUp()
  }

  const inTurn = (forced: boolean): Promise<void> => {
    const turn = last.then(() => drawNow(forced))
    last = turn.catch((error) => log.error('draw failed', { reason: (error as Error).message }))
    return turn
  }

  return {
    async draw({ forced }) {
      // What failed is logged; whoever waits finds the pool as it was.
      await inTurn(forced).catch(() => undefined)
    },
    consider() {
      if (waiting) return
      waiting = true
      const turn = last.then(() => {
        waiting = false
        return drawNow(false)
      })
      last = turn.catch((error) => log.error('draw failed', { reason: (error as Error).message }))
    },
    async idle() {
      for (let seen: Promise<void> | undefined; seen !== last; ) {
        seen = last
        await seen
      }
    },
  }
}

/** Leaves out what the newest block shows as drawn: the ledger is some blocks behind on purpose. */
async function stillDue({ chain }: Parts, orders: readonly DrawOrder[]): Promise<DrawOrder[]> {
  const due = await Promise.all(
    orders.map(async (order) => {
      const [tab, channel] = await Promise.all([
        chain.channels.tabOf(order.channelId, order.provider),
        chain.channels.channelOf(order.channelId),
      ])
      return order.amount > tab.drawn && channel.balance > 0n && Number(channel.status) === 1
    }),
  )
  return orders.filter((_order, index) => due[index])
}

async function send({ chain, sender, identity, log }: Parts, orders: readonly DrawOrder[]): Promise<void> {
  const sent = await sender.send(
    chain.channels.drawMany.populateTransaction(
      orders.map((order) => ({
        parties: { consumer: order.consumer, hub: identity.address, nonce: order.nonce },
        provider: order.provider,
        amount: order.amount,
        promiseSignature: order.signature,
        ceiling: 0n,
        expiresAt: 0n,
        guaranteeSignature: '0x',
      })),
    ),
  )
  for (const entry of sent.receipt.logs) {
    const event = chain.channels.interface.parseLog(entry)
    if (event?.name !== 'Drawn') continue
    log.info('drew', {
      channelId: bytes32(event.args.channelId),
      provider: address(event.args.provider),
      amount: event.args.amount,
      fee: event.args.fee,
      transaction: sent.transaction,
      gasUsed: sent.gasUsed,
    })
  }
}
