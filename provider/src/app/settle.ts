import { type Address, explain, type Hex, refuse, type Verdict, wei } from '@pontage/shared'
import { shouldClear, whyDraw } from '../core/clearPlan.js'
import { judgeGuarantee } from '../core/guarantee.js'
import { hubTrouble } from '../core/hubTrust.js'
import {
  type ClearedChannel,
  judgeHubTotal,
  leastHubTotal,
  type RedeemRule,
  redeemable,
  shouldRedeem,
} from '../core/redeemPolicy.js'
import { isActive, readAccount, readChannel, readHub } from '../io/chainViews.js'
import type { HubLink } from '../io/hubLink.js'
import type { StoredChannel } from '../io/promiseStore.js'
import type { Parts } from './parts.js'
import { drawPromises, redeemAccount } from './transactions.js'

/** Promises one clear may carry (docs/protocol.md). */
const clearBatch = 1_000

/**
 * Turns the promises held under one hub into its total, and that into tokens. Steps with one hub take turns;
 * each may be repeated at any time and then adds nothing.
 */
export class Settlement {
  #turn: Promise<unknown> = Promise.resolve()
  #waiting: Promise<void> | undefined
  /** Channels that began to end on chain. */
  readonly #ending = new Set<Hex>()
  /** What the hub did that made it unreliable. */
  #suspicion: string | undefined

  constructor(
    private readonly parts: Parts,
    readonly hub: Address,
    private readonly link: Pick<HubLink, 'request'>,
    private readonly rule: RedeemRule,
    private readonly maxGuaranteeSeconds: number,
    private readonly told: { guaranteed: (channelId: Hex) => void },
  ) {
    this.#suspicion = parts.trust.reasonAgainst(hub)
  }

  /** Why the hub is not relied on, by what it did to us; undefined while it is. */
  get suspicion(): string | undefined {
    return this.#suspicion
  }

  /** Relies on the hub no more, and draws and redeems at once what it owes. */
  distrust(reason: string): Promise<void> {
    const { trust, clock } = this.parts
    trust.distrust({ hub: this.hub, reason, at: clock.now() })
    this.#suspectOf(reason)
    return this.settle()
  }

  /** Clears what moved; refuses with what the hub, or its answer, lacks. */
  clear(): Promise<Verdict> {
    return this.#inTurn(() => this.#clear())
  }

  /** Everything that is due now: clear, draw what must not wait, redeem what is worth it. Never throws. */
  settle(): Promise<void> {
    // One that waits for its turn will find all that this one would.
    this.#waiting ??= this.#inTurn(async () => {
      this.#waiting = undefined
      await this.#attempt('clear', async () => {
        const cleared = await this.#clear()
        if (!cleared.ok)
          this.parts.log.warn('not cleared', { hub: this.hub, reason: explain(cleared.refusal) })
      })
      const trouble = await this.#attempt('look at the hub', () => this.#trouble())
      await this.#attempt('draw', () => this.#draw(trouble !== undefined))
      await this.#attempt('redeem', () => this.#redeem(trouble !== undefined))
    })
    return this.#waiting
  }

  /** Redeems whatever there is, worth it or not. @returns what was paid. */
  redeemNow(): Promise<bigint> {
    return this.#inTurn(() => redeemAccount(this.parts, this.hub))
  }

  /** A channel began to end on chain: what is held on it is drawn at the next settling. */
  noteEnding(channelId: Hex): void {
    this.#ending.add(channelId)
  }

  async #clear(): Promise<Verdict> {
    const { promises, chain, log } = this.parts
    const head = await chain.head()
    const moved = promises.channelsOf(this.hub).filter((channel) => shouldClear(channel, head.at))
    for (let first = 0; first < moved.length; first += clearBatch) {
      const verdict = await this.#clearSome(moved.slice(first, first + clearBatch))
      if (!verdict.ok) return verdict
    }
    if (moved.length > 0)
      log.info('cleared', {
        hub: this.hub,
        total: promises.hubPromise(this.hub).total,
        channels: moved.length,
      })
    return { ok: true }
  }

  async #clearSome(channels: readonly StoredChannel[]): Promise<Verdict> {
    const { promises, typedData, identity, chain, clock, log } = this.parts
    const sent = channels.flatMap(({ channelId, promise }) =>
      promise ? [{ channelId, amount: promise.amount, signature: promise.signature }] : [],
    )
    const answer = await this.link.request('clear', { promises: sent })
    if (!answer.ok) return answer
    const { total, signature, guarantees, refused } = answer.value
    for (const { channelId, code, message } of refused)
      log.warn('the hub refused a promise', { hub: this.hub, channelId, code, reason: message })
    const refusedIds = new Set(refused.map(({ channelId }) => channelId))
    const taken = sent.filter(({ channelId }) => !refusedIds.has(channelId))
    const signed = typedData.check('HubPromise', { provider: identity.address, total, signature }, this.hub)
    if (!signed.ok) return this.#suspect(signed)
    const least = await this.#leastTotal(new Map(taken.map(({ channelId, amount }) => [channelId, amount])))
    const verdict = judgeHubTotal(total, least)
    if (!verdict.ok) return this.#suspect(verdict)
    promises.keepClear(this.hub, { total, signature }, taken, clock.now())
    const head = await chain.head()
    for (const guarantee of guarantees) {
      const held = promises.channel(guarantee.channelId)
      const sound = judgeGuarantee(guarantee, {
        hub: this.hub,
        provider: identity.address,
        channelId: guarantee.channelId,
        above: wei(0n),
        now: head.at,
        maxGuaranteeSeconds: this.maxGuaranteeSeconds,
      })
      const checked = sound.ok ? typedData.check('Guarantee', guarantee, this.hub) : sound
      if (!checked.ok)
        log.warn('not taken as a guarantee', { hub: this.hub, reason: explain(checked.refusal) })
      else if (held) {
        promises.keepGuarantee(guarantee, head.at)
        this.told.guaranteed(guarantee.channelId)
      }
    }
    // A hub that refused something has answered, but not for all that it was asked.
    const [first] = refused
    return first === undefined
      ? { ok: true }
      : refuse({ code: 'peer-refused', peerCode: first.code, message: first.message })
  }

  /** What the hub's total must reach, from one block's figures and what it has now taken. */
  async #leastTotal(taken: ReadonlyMap<Hex, bigint>) {
    const { promises, chain, identity } = this.parts
    const block = (await chain.head()).number
    const account = await readAccount(chain, this.hub, identity.address, block)
    const open = promises.channelsOf(this.hub).flatMap(({ channelId, promise }) => {
      const cleared = wei(taken.get(channelId) ?? promise?.cleared ?? 0n)
      return promise && cleared > promise.drawn ? [{ channelId, cleared }] : []
    })
    const channels: (ClearedChannel & { channelId: Hex })[] = await Promise.all(
      open.map(async ({ channelId, cleared }) => ({
        channelId,
        cleared,
        drawn: (await readChannel(chain, channelId, identity.address, block)).drawn,
      })),
    )
    promises.noteDrawn(channels.map(({ channelId, drawn }) => ({ channelId, amount: drawn })))
    return leastHubTotal(account.credited, channels, account.feeBps)
  }

  #suspect(verdict: Verdict): Verdict {
    if (!verdict.ok) this.#suspectOf(explain(verdict.refusal))
    return verdict
  }

  #suspectOf(reason: string): void {
    this.#suspicion = reason
    this.parts.log.error('the hub is not relied on any more', { hub: this.hub, reason })
  }

  async #trouble(): Promise<string | undefined> {
    if (this.#suspicion !== undefined) return this.#suspicion
    const { chain, log } = this.parts
    const view = await readHub(chain, this.hub)
    const trouble = hubTrouble({ ...view, isActive: isActive(view, 'hub') })
    if (trouble !== undefined) log.warn('hub in trouble', { hub: this.hub, reason: trouble })
    return trouble
  }

  async #draw(hubInTrouble: boolean): Promise<void> {
    const { promises, chain, identity, log } = this.parts
    const head = await chain.head()
    const due: StoredChannel[] = []
    for (const channel of promises.channelsOf(this.hub)) {
      const circumstances = { ending: this.#ending.has(channel.channelId), hubInTrouble }
      const reason = whyDraw(channel, head.at, circumstances)
      if (reason === undefined) continue
      const { drawn } = await readChannel(chain, channel.channelId, identity.address)
      promises.noteDrawn([{ channelId: channel.channelId, amount: drawn }])
      const { promise, guarantee } = channel
      if (!promise || !guarantee || drawn >= promise.amount || drawn >= guarantee.ceiling) continue
      log.warn('drawing without the hub', {
        hub: this.hub,
        channelId: channel.channelId,
        reason,
        expiresAt: guarantee.expiresAt,
        receivedAt: guarantee.receivedAt,
        chainTime: head.at,
      })
      due.push(channel)
    }
    await drawPromises(this.parts, this.hub, due)
  }

  async #redeem(hubInTrouble: boolean): Promise<void> {
    const { promises, chain, identity } = this.parts
    const account = await readAccount(chain, this.hub, identity.address)
    const due = redeemable(promises.hubPromise(this.hub).total, account)
    if (shouldRedeem(due, hubInTrouble, this.rule)) await redeemAccount(this.parts, this.hub)
  }

  /** One step's failure does not keep the others from being tried. */
  async #attempt<T>(step: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      this.parts.log.error('settling failed', { hub: this.hub, step, reason: (error as Error).message })
      return undefined
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined)
    return result
  }
}
