import { type Address, explain, type Hex, refuse, type Verdict, wei } from '@pontage/shared'
import { readAccount, readHub, readTab } from '@pontage/shared/node'
import { shouldClear } from '../../core/clearPlan.js'
import { judgeGuarantee } from '../../core/guarantee.js'
import { type ClearedChannel, judgeHubTotal, leastHubTotal } from '../../core/redeemPolicy.js'
import type { HubLink } from '../../io/link/hubLink.js'
import type { KeptClear, StoredChannel } from '../../io/store/promiseStore.js'
import type { Components } from '../components.js'

/** Promises one clear may carry (docs/protocol.md). */
const clearBatch = 1_000

/** Turns promises held under one hub into its total. */
export class Clearing {
  /** Whether the hub has to see every promise again that is not drawn. */
  #showAll = false

  constructor(
    private readonly components: Components,
    private readonly hub: Address,
    private readonly link: Pick<HubLink, 'request'>,
    private readonly maxGuaranteeSeconds: number,
    private readonly events: {
      guaranteed: (channelId: Hex) => void
      /** The hub promised less than it owes, or signed wrongly. */
      suspect: (reason: string) => void
    },
  ) {}

  /** The hub forgot what it took from us: the next time brings it all. */
  showAllAgain(): void {
    this.#showAll = true
  }

  /** Clears what moved; refuses with what the hub, or its answer, lacks. */
  async clear(): Promise<Verdict> {
    const { promises, chain, log } = this.components
    const head = await chain.head()
    const showAll = this.#showAll
    const moved = promises
      .channelsOf(this.hub)
      .filter((channel) => shouldClear(channel, head.at) || (showAll && isUndrawn(channel)))
    // A hub that forgot promises enough again only when it has seen all of it.
    const taken = new Map<Hex, KeptClear>()
    for (let first = 0; first < moved.length; first += clearBatch) {
      const isLast = first + clearBatch >= moved.length
      const verdict = await this.#clearSome(moved.slice(first, first + clearBatch), taken, {
        showAll,
        isLast,
      })
      if (verdict === 'forgot') return this.clear()
      if (!verdict.ok) return verdict
    }
    if (showAll) this.#showAll = false
    if (moved.length > 0)
      log.info('cleared', {
        hub: this.hub,
        total: promises.hubPromise(this.hub).total,
        channels: moved.length,
      })
    return { ok: true }
  }

  /**
   * Has the hub take some promises.
   *
   * @param allTaken - Of those before these; gets what is taken of these.
   * @returns `forgot` when the hub turned out to have forgotten something meanwhile: its answer says nothing then.
   */
  async #clearSome(
    channels: readonly StoredChannel[],
    allTaken: Map<Hex, KeptClear>,
    { showAll, isLast }: { showAll: boolean; isLast: boolean },
  ): Promise<Verdict | 'forgot'> {
    const { promises, typedData, identity, clock, log } = this.components
    const sent = channels.flatMap(({ channelId, promise }) =>
      promise ? [{ channelId, amount: promise.amount, signature: promise.signature }] : [],
    )
    const answer = await this.link.request('clear', { promises: sent })
    if (!answer.ok) return answer
    // It was connected to for this, and shown what we hold; what was chosen before brings too little.
    if (this.#showAll && !showAll) return 'forgot'
    const { total, signature, guarantees, refused, stamps } = answer.value
    for (const { channelId, code, message } of refused)
      log.warn('the hub refused a promise', { hub: this.hub, channelId, code, reason: message })
    const refusedIds = new Set(refused.map(({ channelId }) => channelId))
    const taken = sent.filter(({ channelId }) => !refusedIds.has(channelId))
    const named = { hub: this.hub, provider: identity.address, total, signature }
    const signed = typedData.check('HubPromise', named, this.hub)
    if (!signed.ok) return this.#suspect(signed)
    const stampOf = new Map(stamps.map(({ channelId, stamp }) => [channelId, stamp]))
    for (const promise of taken)
      allTaken.set(promise.channelId, { ...promise, stamp: stampOf.get(promise.channelId) })
    if (!showAll || isLast) {
      const verdict = judgeHubTotal(total, await this.#leastTotal(allTaken))
      if (!verdict.ok) return this.#suspect(verdict)
      promises.keepClear(this.hub, { total, signature }, [...allTaken.values()], clock.now())
    }
    for (const guarantee of guarantees) await this.#keepGuarantee(guarantee)
    // A hub that refused something has answered, but not for all that it was asked.
    const [first] = refused
    return first === undefined
      ? { ok: true }
      : refuse({ code: 'peer-refused', peerCode: first.code, message: first.message })
  }

  async #keepGuarantee(guarantee: Parameters<Components['promises']['keepGuarantee']>[0]): Promise<void> {
    const { promises, typedData, identity, chain, log } = this.components
    const head = await chain.head()
    const sound = judgeGuarantee(guarantee, {
      hub: this.hub,
      provider: identity.address,
      channelId: guarantee.channelId,
      above: wei(0n),
      now: head.at,
      maxGuaranteeSeconds: this.maxGuaranteeSeconds,
    })
    const checked = sound.ok ? typedData.check('Guarantee', guarantee, this.hub) : sound
    if (!checked.ok) log.warn('not taken as a guarantee', { hub: this.hub, reason: explain(checked.refusal) })
    else if (promises.channel(guarantee.channelId)) {
      promises.keepGuarantee(guarantee, head.at)
      this.events.guaranteed(guarantee.channelId)
    }
  }

  /** What the hub's total must reach, from one block's figures and what it has now taken. */
  async #leastTotal(taken: ReadonlyMap<Hex, KeptClear>) {
    const { promises, chain, identity } = this.components
    const block = (await chain.head()).number
    const [{ credited }, { feeBps }] = await Promise.all([
      readAccount(chain, this.hub, identity.address, block),
      readHub(chain, this.hub, block),
    ])
    const open = promises.channelsOf(this.hub).flatMap(({ channelId, promise }) => {
      const cleared = wei(taken.get(channelId)?.amount ?? promise?.cleared ?? 0n)
      return promise && cleared > promise.drawn ? [{ channelId, cleared }] : []
    })
    const channels: (ClearedChannel & { channelId: Hex })[] = await Promise.all(
      open.map(async ({ channelId, cleared }) => ({
        channelId,
        cleared,
        drawn: (await readTab(chain, channelId, identity.address, block)).drawn,
      })),
    )
    promises.noteDrawn(channels.map(({ channelId, drawn }) => ({ channelId, amount: drawn })))
    return leastHubTotal(credited, channels, feeBps)
  }

  #suspect(verdict: Verdict): Verdict {
    if (!verdict.ok) this.events.suspect(explain(verdict.refusal))
    return verdict
  }
}

const isUndrawn = ({ promise }: StoredChannel): boolean =>
  promise !== undefined && promise.amount > promise.drawn
