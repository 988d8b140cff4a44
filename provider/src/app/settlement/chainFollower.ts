import { type Address, unixSeconds, wei } from '@pontage/shared'
import { readChannel, readStanding } from '@pontage/shared/node'
import { isNearlyOver } from '../../core/guarantee.js'
import { type ChainNews, readNews } from '../../io/chain/chainNews.js'
import type { Components } from '../components.js'
import type { Sessions } from '../metering/sessions.js'
import { followPayments } from './paymentHistory.js'
import type { Settlement } from './settlement.js'

/** How often the chain is asked for a new block. */
const watchEveryMs = 1_000
/** How often that is looked at which changes without a block. */
const refreshEveryMs = 5_000

/** Settles with every hub on a schedule, and looks at each block for what ends sessions or calls for a draw. */
export async function createWatch(
  components: Components,
  sessions: Sessions,
  settlements: ReadonlyMap<Address, Settlement>,
  clearEverySeconds: number,
  events: {
    /** Whether the tunnels still stand. */
    readonly isAlive: () => Promise<boolean>
    readonly failed: (error: unknown) => void
    /** Whether that is to be looked at now. */
    readonly isDue: () => Promise<boolean>
    /** Time to look at what else the chain says of us. */
    readonly refresh: () => Promise<void>
  },
): Promise<{ settleNow(): void; stop(): Promise<void> }> {
  const { chain, promises, clock, log } = components
  let seenBlock = (await chain.head()).number
  await noteMissed()
  let running: Promise<void> = Promise.resolve()
  let isLooking = false
  let refreshedAt = Number.NEGATIVE_INFINITY
  let silent = false

  /** Channels that began to end, and payments that came, while nobody looked. */
  async function noteMissed(): Promise<void> {
    for (const [hub, settlement] of settlements) {
      const open = promises
        .channelsOf(hub)
        .filter(({ promise, released }) => !released && promise && promise.amount > promise.drawn)
      // One after the other, each would wait for the answer about the one before.
      await Promise.all(
        open.map(async ({ channelId }) => {
          const { exitAt, status } = await readChannel(chain, channelId)
          if (exitAt > 0 || status === 'closed') settlement.noteEnding(channelId)
        }),
      )
    }
    const from = components.settlements.lastBlock()
    if (from !== undefined) await followPayments(components, from, seenBlock)
  }

  async function look(): Promise<void> {
    try {
      const number = await chain.rpc.getBlockNumber()
      const isRefreshDue = clock.elapsedMs() - refreshedAt >= refreshEveryMs || (await events.isDue())
      if (number <= seenBlock && !isRefreshDue) return
      if (number > seenBlock) {
        await takeNews(await readNews(chain, seenBlock + 1, number))
        if (promises.hubs().length > 0) await followPayments(components, seenBlock + 1, number)
        seenBlock = number
      }
      if (isRefreshDue) {
        if (!(await events.isAlive())) events.failed(new Error('The tunnel interface is gone.'))
        await endUnguaranteed()
        await events.refresh()
        refreshedAt = clock.elapsedMs()
      }
      if (silent) log.info('the chain answers again')
      silent = false
    } catch (error) {
      if (!silent) log.warn('the chain does not answer', { reason: (error as Error).message })
      silent = true
    }
  }

  async function takeNews({ endings, troubled }: ChainNews): Promise<void> {
    for (const { kind, channelId } of endings) {
      const channel = promises.channel(channelId)
      if (channel === undefined) continue
      log.info('a channel ends', { channelId, kind })
      const live = sessions.byChannel(channelId)
      if (live) await sessions.end(live.record.id, { code: 'channel-closing', channelId })
      // With a release it was agreed, and everything is settled.
      if (channel.released !== undefined) continue
      const settlement = settlements.get(channel.parties.hub)
      settlement?.noteEnding(channelId)
      void settlement?.settle()
    }
    for (const identityInTrouble of troubled) {
      void settlements.get(identityInTrouble)?.settle()
      for (const { record } of sessions.all())
        if (record.consumer === identityInTrouble) await endOfDebtor(record.id, identityInTrouble)
    }
  }

  async function endOfDebtor(id: string, consumer: Address): Promise<void> {
    const { debt } = await readStanding(chain, consumer)
    if (debt > 0n) await sessions.end(id, { code: 'in-debt', identity: consumer, debt: wei(debt) })
  }

  async function endUnguaranteed(): Promise<void> {
    // A chain that stands still must not keep a guarantee alive.
    const now = unixSeconds(Math.max((await chain.head()).at, clock.now()))
    for (const live of sessions.all()) {
      const { channelId } = live.record
      const guarantee = promises.channel(channelId)?.guarantee
      if (guarantee && isNearlyOver(guarantee, now))
        await sessions.end(live.record.id, { code: 'no-guarantee', channelId })
    }
  }

  const settleAll = () => {
    for (const settlement of settlements.values()) void settlement.settle()
  }
  const lookTimer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    running = look().finally(() => {
      isLooking = false
    })
  }, watchEveryMs)
  const settleTimer = setInterval(settleAll, clearEverySeconds * 1_000)
  return {
    settleNow: settleAll,
    async stop() {
      clearInterval(lookTimer)
      clearInterval(settleTimer)
      await running
    },
  }
}
