import type { Address, Hex } from '@pontage/shared'
import { readChannel, readTab } from '@pontage/shared/node'
import { type DrawReason, whyDraw } from '../../core/clearPlan.js'
import { drawsForExposure } from '../../core/exposure.js'
import {
  type ProtestDelays,
  type ProtestedChannel,
  type ProtestStep,
  protestStep,
} from '../../core/protestPlan.js'
import type { StoredChannel } from '../../io/store/promiseStore.js'
import type { Components } from '../components.js'
import { drawPromises } from './drawPromises.js'
import { openProtest, settleProtest } from './transactions.js'

/** Why a hub's promises are drawn now, besides the state of each channel. */
export interface CollectMoment {
  readonly hubInTrouble: boolean
  readonly isEnding: (channelId: Hex) => boolean
  /** Whether a draw brought nothing a short while ago: what could have filled it was empty. */
  readonly isDry: (channelId: Hex) => boolean
  readonly exposureLimit: Parameters<typeof drawsForExposure>[1]
}

/**
 * Draws under their guarantees the promises that must not wait, and protests those that no guarantee covers. What is
 * done already, by whomever, is found on chain first.
 */
export async function collect(
  components: Components,
  hub: Address,
  moment: CollectMoment,
  delays: ProtestDelays,
  events: {
    readonly lost: (channelId: Hex, reason: string) => void
    /** A draw brought nothing. */
    readonly dry: (channelId: Hex) => void
  },
): Promise<void> {
  const { promises, chain, identity, log } = components
  const head = await chain.head()
  const open = promises.channelsOf(hub).filter(({ promise }) => promise && promise.amount > promise.drawn)
  const overdue = new Set(drawsForExposure(open.flatMap(asUndrawn), moment.exposureLimit).map(idOf))
  const why = (channel: StoredChannel): DrawReason | undefined =>
    whyDraw(channel, head.at, {
      ending: moment.isEnding(channel.channelId),
      hubInTrouble: moment.hubInTrouble,
      overExposed: overdue.has(channel.channelId),
    })
  const concerned = open.filter(
    (channel) => why(channel) !== undefined || (channel.guarantee?.expiresAt ?? 0) <= head.at,
  )
  const views = new Map<Hex, ProtestedChannel>()
  for (const { channelId } of concerned) {
    const [channel, tab] = await Promise.all([
      readChannel(chain, channelId),
      readTab(chain, channelId, identity.address),
    ])
    views.set(channelId, { ...channel, ...tab })
  }
  promises.noteDrawn([...views].map(([channelId, { drawn }]) => ({ channelId, amount: drawn })))

  const due = concerned.filter((channel) => {
    const reason = why(channel)
    const view = views.get(channel.channelId)
    const { promise, guarantee } = channel
    if (reason === undefined || !view || !promise || !guarantee || moment.isDry(channel.channelId))
      return false
    const { drawn, releasedUpTo } = view
    if (drawn >= promise.amount || drawn >= guarantee.ceiling || guarantee.expiresAt <= releasedUpTo)
      return false
    const { expiresAt, receivedAt } = guarantee
    log.warn('drawing without the hub', {
      ...{ hub, channelId: channel.channelId, reason, expiresAt, receivedAt, chainTime: head.at },
    })
    return true
  })
  const inBlock = await drawPromises(components, due).catch((error: Error) => {
    log.error('settling failed', { hub, step: 'draw', reason: error.message })
    return new Set<Hex>()
  })
  for (const { channelId } of due) {
    // One that never reached a block says nothing of its channel: it is tried again the next time.
    const drawn = promises.channel(channelId)?.promise?.drawn ?? 0n
    if (inBlock.has(channelId) && drawn <= (views.get(channelId)?.drawn ?? 0n)) events.dry(channelId)
  }
  for (const channel of concerned) {
    if (due.includes(channel)) continue
    const view = views.get(channel.channelId)
    const step = view && protestStep(channel, view, delays, head.at)
    if (!view || !step) continue
    // One that the chain refuses, perhaps because a block came in between, does not keep the others waiting.
    await takeStep(components, channel, view, step, events).catch((error: Error) =>
      log.error('settling failed', { hub, step: `protest: ${step.type}`, reason: error.message }),
    )
  }
}

async function takeStep(
  components: Components,
  channel: StoredChannel,
  view: ProtestedChannel,
  step: ProtestStep,
  events: { readonly lost: (channelId: Hex, reason: string) => void },
): Promise<void> {
  const { channelId, parties, promise } = channel
  const details = { hub: parties.hub, channelId, consumer: parties.consumer, amount: promise?.amount }
  if (step.type === 'open') {
    const transaction = await openProtest(components, channel, view.drawn)
    components.log.warn('protested', { ...details, drawn: view.drawn, transaction })
  } else if (step.type === 'settle') {
    const paid = await settleProtest(components, channel)
    components.log.warn('protest settled', { ...details, paid })
  } else if (step.type === 'lost') events.lost(channelId, step.reason)
  else components.log.debug('a protest waits', { ...details, until: step.until })
}

const idOf = ({ channelId }: { readonly channelId: Hex }): Hex => channelId
const asUndrawn = ({ channelId, promise }: StoredChannel) =>
  promise ? [{ channelId, amount: promise.amount, drawn: promise.drawn }] : []
