import type { Address } from '@pontage/shared'
import { isNearlyOver } from '../core/guarantee.js'
import { readChannel } from '../io/chainViews.js'
import { readEndings } from '../io/channelEvents.js'
import type { Parts } from './parts.js'
import type { Sessions } from './sessions.js'
import type { Settlement } from './settle.js'

/** How often the chain is looked at for channels that end and guarantees that have ended. */
const watchEveryMs = 5_000

/** Settles with every hub on a schedule, and watches the chain for what ends sessions. */
export async function createWatch(
  { chain, identity, promises, log }: Parts,
  sessions: Sessions,
  settlements: ReadonlyMap<Address, Settlement>,
  clearEverySeconds: number,
  told: {
    /** Whether the tunnels still stand. */
    readonly isAlive: () => Promise<boolean>
    readonly failed: (error: unknown) => void
    /** Time to look at what else the chain says of us. */
    readonly refresh: () => Promise<void>
  },
): Promise<{ settleNow(): void; stop(): Promise<void> }> {
  let seenBlock = (await chain.head()).number
  await noteMissed()
  let running: Promise<void> = Promise.resolve()
  let silent = false

  /** Channels that began to end while nobody looked. */
  async function noteMissed(): Promise<void> {
    for (const [hub, settlement] of settlements)
      for (const { channelId, promise, released } of promises.channelsOf(hub)) {
        if (released !== undefined || promise === undefined || promise.amount <= promise.drawn) continue
        const { exitAt, isClosed } = await readChannel(chain, channelId, identity.address)
        if (exitAt > 0 || isClosed) settlement.noteEnding(channelId)
      }
  }

  async function look(): Promise<void> {
    try {
      if (!(await told.isAlive())) told.failed(new Error('The tunnel interface is gone.'))
      const head = await chain.head()
      const ending = head.number > seenBlock ? await readEndings(chain, seenBlock + 1, head.number) : []
      for (const { kind, channelId } of ending) {
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
      seenBlock = head.number
      for (const live of sessions.all()) {
        const { channelId } = live.record
        const guarantee = promises.channel(channelId)?.guarantee
        if (guarantee && isNearlyOver(guarantee, head.at))
          await sessions.end(live.record.id, { code: 'no-guarantee', channelId })
      }
      await told.refresh()
      if (silent) log.info('the chain answers again')
      silent = false
    } catch (error) {
      if (!silent) log.warn('the chain does not answer', { reason: (error as Error).message })
      silent = true
    }
  }

  const settleAll = () => {
    for (const settlement of settlements.values()) void settlement.settle()
  }
  const lookTimer = setInterval(() => {
    running = running.then(look)
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
