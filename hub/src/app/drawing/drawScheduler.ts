import { type Address, address, bytes32, type Hex, type Wei, wei } from '@pontage/shared'
import { drawsInBatch, mayDraw } from '../../core/drawPolicy.js'
import type { DrawOrder } from '../../io/ledger.js'
import type { Components, HubSettings } from '../components.js'
import { requestDraw } from './drawRequest.js'

/** Brings in what providers were promised for, from the consumers' channels. */
export interface DrawScheduler {
  /** Draws what the policy chooses, and returns when the ledger knows of it. */
  draw(options: { forced: boolean }): Promise<void>
  /** Draws everything, in as many transactions as it takes. @throws Error when one fails */
  drawAll(): Promise<readonly Drawn[]>
  /** Looks whether something is to be drawn, without making anybody wait. */
  consider(): void
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>
}

/** What one draw brought in. */
export interface Drawn {
  readonly channelId: Hex
  readonly provider: Address
  readonly amount: Wei
  readonly transaction: Hex
}

/** What drawing takes: less than serving does, so that a command can draw without a hub. */
export type DrawComponents = Pick<
  Components,
  'ledger' | 'rules' | 'watch' | 'log' | 'chain' | 'sender' | 'identity'
> & { readonly settings: Pick<HubSettings, 'drawAbove'> }

/** Milliseconds after which the ledger is looked at: what is cleared meanwhile is seen in the same look. */
const gatherMs = 100
/** Milliseconds that the process which writes to the chain is given to draw for this one. */
const othersDrawMs = 30_000

export function createDrawScheduler(components: DrawComponents): DrawScheduler {
  const { ledger, rules, settings, watch, log } = components
  let last: Promise<void> = Promise.resolve()
  let waiting = false

  async function drawNow(forced: boolean): Promise<readonly Drawn[]> {
    // One process decides what is drawn, else two would draw the same.
    if (!(await ledger.leads())) {
      if (forced) await requestDraw(ledger, othersDrawMs)
      return []
    }
    if (!forced && !mayDraw(await ledger.tally(), settings)) return []
    // What a crash or a lost connection left on its way may be a draw: its effect must be seen before the next.
    await components.sender.settleEarlier()
    const undrawn = await ledger.undrawn()
    const pool = await ledger.standing()
    const chosen = rules.draws(undrawn, await ledger.accounts(), pool, settings, forced)
    const orders = await stillDue(
      components,
      undrawn.filter((order) => chosen.includes(order)),
    )
    if (orders.length === 0) return []
    const drawn = await send(components, orders)
    await watch.catchUp()
    return drawn
  }

  /** Reads the ledger once: it is some blocks behind, so that what was just drawn would come up again. */
  async function drawEverything(): Promise<readonly Drawn[]> {
    await components.sender.settleEarlier()
    const all = [...(await ledger.undrawn())]
    const drawn: Drawn[] = []
    while (all.length > 0) {
      const orders = await stillDue(components, all.splice(0, drawsInBatch))
      if (orders.length > 0) drawn.push(...(await send(components, orders)))
    }
    if (drawn.length > 0) await watch.catchUp()
    return drawn
  }

  const inTurn = (work: () => Promise<readonly Drawn[]>): Promise<readonly Drawn[]> => {
    const turn = last.then(work)
    last = turn.then(
      () => undefined,
      (error) => log.error('draw failed', { reason: (error as Error).message }),
    )
    return turn
  }

  return {
    async draw({ forced }) {
      // What failed is logged; whoever waits finds the pool as it was.
      await inTurn(() => drawNow(forced)).catch(() => undefined)
    },
    drawAll: () => inTurn(drawEverything),
    consider() {
      if (waiting) return
      waiting = true
      void inTurn(async () => {
        await new Promise((resolve) => setTimeout(resolve, gatherMs))
        waiting = false
        return drawNow(false)
      }).catch(() => undefined)
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
async function stillDue({ chain }: DrawComponents, orders: readonly DrawOrder[]): Promise<DrawOrder[]> {
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

async function send(
  { chain, sender, identity, log }: DrawComponents,
  orders: readonly DrawOrder[],
): Promise<readonly Drawn[]> {
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
  const { transaction, gasUsed } = sent
  return sent.receipt.logs.flatMap((entry) => {
    const event = chain.channels.interface.parseLog(entry)
    if (event?.name !== 'Drawn') return []
    const { channelId, provider, amount, fee } = event.args
    const drawn: Drawn = {
      channelId: bytes32(channelId),
      provider: address(provider),
      amount: wei(amount),
      transaction,
    }
    log.info('drew', { ...drawn, fee, gasUsed })
    return [drawn]
  })
}
