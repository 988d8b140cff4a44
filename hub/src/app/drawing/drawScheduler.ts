import { address, bytes32, type Hex, SerialQueue, shortSignature, wei } from '@pontage/shared'
import { readChannel, readTab } from '@pontage/shared/node'
import { drawsAll, drawsInBatch, isWorthGas, mayRelieve, worthOf } from '../../core/drawPolicy.js'
import type { DrawOrder } from '../../io/ledger.js'
import type { Components, HubSettings } from '../components.js'
import { type Drawn, requestDraw } from './drawRequest.js'

/** Brings in what providers were promised for, from the consumers' channels. */
export interface DrawScheduler {
  /** Draws what the policy chooses, and returns when the ledger knows of it. */
  draw(options: { forced: boolean }): Promise<void>
  /** Draws everything, in as many transactions as it takes. @throws Error when one fails */
  drawAll(): Promise<readonly Drawn[]>
  /** Draws everything from one channel, before others are paid from it. @throws Error when it fails */
  drawFrom(channelId: Hex): Promise<readonly Drawn[]>
  /** Looks whether something is to be drawn, without making anybody wait. */
  consider(): void
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>
}

/** What drawing takes: less than serving does, so that a command can draw without a hub. */
export type DrawComponents = Pick<
  Components,
  'ledger' | 'rules' | 'watch' | 'clock' | 'log' | 'chain' | 'sender' | 'identity'
> & { readonly settings: Pick<HubSettings, 'drawAbove' | 'guaranteeSeconds'> }

/** Milliseconds after which the ledger is looked at: what is cleared meanwhile is seen in the same look. */
const gatherMs = 100
/** Promises drawn between two looks at the ledger, however many there are: the next look finds the next. */
const mostInOneLook = 10 * drawsInBatch
/** Small draws that are remembered: more than the policy looks at. */
const rememberedDraws = 20
/** Milliseconds that the process which writes to the chain is given to draw for this one. */
const othersDrawMs = 30_000

export function createDrawScheduler(components: DrawComponents): DrawScheduler {
  const { ledger, rules, settings, watch, clock, log } = components
  const queue = new SerialQueue()
  let waiting = false
  let smallDrawsAt: readonly number[] = []

  /** The chain's clock counts, but between blocks it stands still. */
  const now = async (): Promise<number> => Math.max((await ledger.cursor())?.at ?? 0, clock.now())
  const countSmallDraw = (at: number): void => {
    smallDrawsAt = [...smallDrawsAt, at].slice(-rememberedDraws)
  }

  async function askLeader(): Promise<void> {
    const at = await now()
    if (!mayRelieve({ now: at, smallDrawsAt })) return
    countSmallDraw(at)
    await requestDraw(ledger, othersDrawMs, 'best')
  }

  async function drawNow(forced: boolean): Promise<readonly Drawn[]> {
    // One process decides what is drawn, else two would draw the same.
    if (!(await ledger.leads())) {
      if (forced) await askLeader()
      return []
    }
    const moment = { now: await now(), smallDrawsAt, forced }
    const before = await ledger.tally()
    if (!before.urgent && !(before.undrawn > 0n && drawsAll(before, settings, moment))) return []
    // What a crash or a lost connection left on its way may be a draw: its effect must be seen before the next.
    await components.sender.settleEarlier()
    const sums = await ledger.tally()
    const orders = await ledger.pressing(drawsAll(sums, settings, moment) ? mostInOneLook : 0)
    const chosen = rules.draws(orders, sums, settings, moment)
    // Whoever waits for the pool waits for the best of it.
    const drawn = await drawThese(chosen, forced ? 1 : Number.POSITIVE_INFINITY)
    const wasWorthIt = isWorthGas(sums.undrawn, settings) || isWorthGas(worthOf(chosen), settings)
    if (drawn.length > 0 && !wasWorthIt) countSmallDraw(moment.now)
    return drawn
  }

  /** Reads the ledger once: it is some blocks behind, so that what was just drawn would come up again. */
  async function drawEverything(channelId?: Hex): Promise<readonly Drawn[]> {
    // What one channel holds is drawn by whichever process needs that; of two at once, the chain passes over the second.
    if (channelId === undefined && !(await ledger.leads())) {
      await requestDraw(ledger, othersDrawMs)
      return []
    }
    await components.sender.settleEarlier()
    return drawThese(await ledger.undrawn(channelId))
  }

  /** Draws what the newest block does not show as drawn, in transactions as large as they may be. */
  async function drawThese(
    orders: readonly DrawOrder[],
    maxTransactions = Number.POSITIVE_INFINITY,
  ): Promise<readonly Drawn[]> {
    const rest = [...orders]
    const drawn: Drawn[] = []
    const due: DrawOrder[] = []
    for (let sent = 0; sent < maxTransactions; sent++) {
      while (due.length < drawsInBatch && rest.length > 0)
        due.push(...(await stillDue(components, rest.splice(0, drawsInBatch))))
      if (due.length === 0) break
      drawn.push(...(await send(components, due.splice(0, drawsInBatch))))
    }
    if (drawn.length > 0) await watch.catchUp()
    return drawn
  }

  const inTurn = (work: () => Promise<readonly Drawn[]>): Promise<readonly Drawn[]> =>
    queue.run(work).catch((error: Error) => {
      log.error('draw failed', { reason: error.message })
      throw error
    })

  return {
    async draw({ forced }) {
      // What failed is logged; whoever waits finds the pool as it was.
      await inTurn(() => drawNow(forced)).catch(() => undefined)
    },
    drawAll: () => inTurn(() => drawEverything()),
    drawFrom: (channelId) => inTurn(() => drawEverything(channelId)),
    consider() {
      if (waiting) return
      waiting = true
      void inTurn(async () => {
        await new Promise((resolve) => setTimeout(resolve, gatherMs))
        waiting = false
        return drawNow(false)
      }).catch(() => undefined)
    },
    idle: () => queue.idle(),
  }
}

/** Leaves out what the newest block shows as drawn: the ledger is some blocks behind on purpose. */
async function stillDue({ chain }: DrawComponents, orders: readonly DrawOrder[]): Promise<DrawOrder[]> {
  const due = await Promise.all(
    orders.map(async (order) => {
      const [tab, channel] = await Promise.all([
        readTab(chain, order.channelId, order.provider),
        readChannel(chain, order.channelId),
      ])
      return order.amount > tab.drawn && channel.balance > 0n && channel.status === 'open'
    }),
  )
  return orders.filter((_order, index) => due[index])
}

/** As the chain takes draws of a hub: by provider, in few bytes. */
function batchesOf(orders: readonly DrawOrder[]) {
  const providers = [...new Set(orders.map(({ provider }) => provider))]
  return providers.map((provider) => ({
    provider,
    slips: orders
      .filter((order) => order.provider === provider)
      .map(({ consumer, nonce, amount, signature }) => ({
        ...{ consumer, nonce, amount },
        ...shortSignature(signature),
      })),
  }))
}

async function send(
  { chain, sender, log }: DrawComponents,
  orders: readonly DrawOrder[],
): Promise<readonly Drawn[]> {
  const batches = batchesOf(orders)
  const [first] = batches
  const sent = await sender.send(
    first && batches.length === 1
      ? chain.channels.drawBatch.populateTransaction(first.provider, first.slips)
      : chain.channels.drawBatches.populateTransaction(batches),
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
