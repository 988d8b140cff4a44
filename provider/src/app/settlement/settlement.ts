import { type Address, explain, type Hex, SerialQueue, type Verdict, type Wei } from '@pontage/shared'
import { readAccount } from '@pontage/shared/node'
import { type ExposureState, exposureOf, judgeExposure } from '../../core/exposure.js'
import { hubTrouble, isAboutToRaise, isBroken } from '../../core/hubTrust.js'
import type { ProtestDelays } from '../../core/protestPlan.js'
import { gasCostOf, type RedeemRule, redeemable, whyRedeem } from '../../core/redeemPolicy.js'
import { type CoinPriceSource, readCoinPrice } from '../../io/chain/coinPrice.js'
import { readHubStanding } from '../../io/chain/hubStanding.js'
import type { HubLink } from '../../io/link/hubLink.js'
import type { Components } from '../components.js'
import { Clearing } from './clearing.js'
import { collect } from './drawOrProtest.js'
import { redeemAccount } from './transactions.js'

/** How one hub's promises become tokens. */
export interface SettlementRule {
  readonly redeem: RedeemRule
  readonly coinPrice: CoinPriceSource
  /** Most that may be promised under this hub and not drawn; undefined: no limit. */
  readonly exposure: Wei | undefined
  /** A hub that has not answered for so long is not waited for. */
  readonly silentAfterSeconds: number
}

/** Gas of a redemption until one of our own says more: docs of the contracts measure 80,000 to 120,000. */
const typicalGas = 120_000
/** A draw that brought nothing is tried again after this many milliseconds: somebody may have paid in meanwhile. */
const dryForMs = 600_000
const never = Number.NEGATIVE_INFINITY

/**
 * Turns the promises held under one hub into its total, and that into tokens. Steps with one hub take turns;
 * each may be repeated at any time and then adds nothing.
 */
export class Settlement {
  /** What is asked of the hub, and what is done on chain: a hub that lets us wait does not keep us from the chain. */
  readonly #asking = new SerialQueue()
  readonly #acting = new SerialQueue()
  #waiting: Promise<void> | undefined
  readonly #clearing: Clearing
  /** Channels that began to end on chain. */
  readonly #ending = new Set<Hex>()
  /** Promises for which it is too late, so that each is told once. */
  readonly #lost = new Set<Hex>()
  /** When a draw on a channel last brought nothing. */
  readonly #dryAt = new Map<Hex, number>()
  /** What the hub did that made it unreliable. */
  #suspicion: string | undefined
  #answeredAt: number
  #saidOfGas: Wei | undefined

  constructor(
    private readonly components: Components,
    readonly hub: Address,
    link: Pick<HubLink, 'request'>,
    private readonly rule: SettlementRule,
    private readonly delays: ProtestDelays,
    private readonly events: {
      guaranteed: (channelId: Hex) => void
      /** Nothing more may be promised under this hub. */
      broken: (problem: string) => void
      /** Everything was done that was due. */
      settled: () => void
    },
  ) {
    this.#answeredAt = components.clock.elapsedMs()
    this.#clearing = new Clearing(components, hub, link, delays.maxGuarantee, {
      guaranteed: events.guaranteed,
      suspect: (reason) => this.#suspectOf(reason),
    })
    this.#suspicion = components.trust.reasonAgainst(hub)
  }

  /** Why the hub is not relied on, by what it did to us; undefined while it is. */
  get suspicion(): string | undefined {
    return this.#suspicion
  }

  /** Relies on the hub no more, and draws and redeems at once what it owes. */
  distrust(reason: string): Promise<void> {
    const { trust, clock } = this.components
    trust.distrust({ hub: this.hub, reason, at: clock.now() })
    this.#suspectOf(reason)
    return this.settle()
  }

  /** Clears what moved; refuses with what the hub, or its answer, lacks. */
  clear(): Promise<Verdict> {
    return this.#asking.run(() => this.#clear())
  }

  /** Everything that is due now: clear, draw or protest what must not wait, redeem what is worth it. Never throws. */
  settle(): Promise<void> {
    // One that waits for its turn will find all that this one would.
    this.#waiting ??= this.#asking
      .run(async () => {
        this.#waiting = undefined
        await this.#attempt('clear', async () => {
          const cleared = await this.#clear()
          if (!cleared.ok)
            this.components.log.warn('not cleared', { hub: this.hub, reason: explain(cleared.refusal) })
        })
      })
      .then(() => this.bringIn())
    return this.#waiting
  }

  /** The part of settling that needs no hub. Never throws. */
  bringIn(): Promise<void> {
    return this.#acting.run(async () => {
      const trouble = await this.#attempt('look at the hub', () => this.#trouble())
      const overExposed = this.exposure() !== 'within'
      await this.#attempt('draw', () => this.#collect(trouble !== undefined))
      await this.#attempt('redeem', () => this.#redeem(trouble !== undefined, overExposed))
      this.events.settled()
    })
  }

  /** Clears, draws or protests, and redeems everything there is, whatever it is worth. Never throws. */
  windUp(): Promise<void> {
    return this.#acting.run(async () => {
      await this.#attempt('clear', () => this.clear())
      await this.#attempt('draw', () => this.#collect(true))
      await this.#attempt('redeem', () => redeemAccount(this.components, this.hub))
    })
  }

  /** Resolves when nothing is asked of the hub or done on chain. */
  async idle(): Promise<void> {
    await this.#asking.idle()
    await this.#acting.idle()
  }

  /** Channels whose promises cannot be brought in any more. */
  get lost(): ReadonlySet<Hex> {
    return this.#lost
  }

  /** The hub forgot what it took from us: the next clearing brings it all. */
  showAllAgain(): void {
    this.#clearing.showAllAgain()
  }

  /** A channel began to end on chain: what is held on it is drawn at the next settling. */
  noteEnding(channelId: Hex): void {
    this.#ending.add(channelId)
  }

  /** How far what is promised under this hub, and not drawn, goes towards its limit. */
  exposure(): ExposureState {
    const { exposure } = this.rule
    if (exposure === undefined) return 'within'
    const channels = this.components.promises.channelsOf(this.hub)
    return judgeExposure(exposureOf(channels.flatMap(({ promise }) => (promise ? [promise] : []))), exposure)
  }

  #suspectOf(reason: string): void {
    this.#suspicion = reason
    this.components.log.error('the hub is not relied on any more', { hub: this.hub, reason })
  }

  async #clear(): Promise<Verdict> {
    const verdict = await this.#clearing.clear()
    // Whatever it says, it is there.
    if (verdict.ok || verdict.refusal.code === 'peer-refused')
      this.#answeredAt = this.components.clock.elapsedMs()
    return verdict
  }

  async #trouble(): Promise<string | undefined> {
    const { chain, clock, log } = this.components
    const standing = await readHubStanding(chain, this.hub)
    const problem = this.#suspicion ?? hubTrouble(standing)
    if (problem !== undefined && (this.#suspicion !== undefined || isBroken(standing)))
      this.events.broken(problem)
    const silentSeconds = Math.floor((clock.elapsedMs() - this.#answeredAt) / 1_000)
    const trouble =
      problem ??
      (isAboutToRaise(standing.feeChangesAt, (await chain.head()).at)
        ? 'it is about to raise its fee'
        : silentSeconds > this.rule.silentAfterSeconds
          ? `it has not answered for ${silentSeconds} s`
          : undefined)
    if (trouble !== undefined) log.warn('hub in trouble', { hub: this.hub, reason: trouble })
    return trouble
  }

  #collect(hubInTrouble: boolean): Promise<void> {
    const { clock, log } = this.components
    const moment = {
      hubInTrouble,
      isEnding: (channelId: Hex) => this.#ending.has(channelId),
      isDry: (channelId: Hex) => clock.elapsedMs() - (this.#dryAt.get(channelId) ?? never) < dryForMs,
      exposureLimit: this.rule.exposure,
    }
    return collect(this.components, this.hub, moment, this.delays, {
      dry: (channelId) => {
        log.error('a draw brought nothing', { hub: this.hub, channelId })
        this.#dryAt.set(channelId, clock.elapsedMs())
      },
      lost: (channelId, reason) => {
        if (this.#lost.has(channelId)) return
        this.#lost.add(channelId)
        log.error('a promise cannot be brought in any more', { hub: this.hub, channelId, reason })
      },
    })
  }

  async #redeem(hubInTrouble: boolean, overExposed: boolean): Promise<void> {
    const { promises, chain, identity, settlements, clock, log } = this.components
    const account = await readAccount(chain, this.hub, identity.address)
    const due = redeemable(promises.hubPromise(this.hub).total, account)
    if (due === 0n) return
    const last = settlements.last('redeem', this.hub)
    const secondsSinceLast = clock.now() - (last?.at ?? 0)
    const moment = { hubInTrouble, overExposed, secondsSinceLast }
    const gasCost = await this.#gasCost(last?.gasUsed)
    const reason = whyRedeem(due, { ...moment, gasCost }, this.rule.redeem)
    if (reason === undefined) {
      const isDue = whyRedeem(due, { ...moment, gasCost: undefined }, this.rule.redeem) !== undefined
      if (isDue && gasCost !== this.#saidOfGas)
        log.info('a redemption waits for cheaper gas', { hub: this.hub, due, gasCost })
      this.#saidOfGas = gasCost
      return
    }
    log.debug('redeeming', { hub: this.hub, due, reason, gasCost })
    await redeemAccount(this.components, this.hub)
  }

  /** What a redemption costs in the token now; undefined where the coin's price is not known. */
  async #gasCost(lastGas: number | undefined): Promise<Wei | undefined> {
    const { chain, log } = this.components
    const coin = await readCoinPrice(chain, this.rule.coinPrice).catch((error: Error) => {
      log.warn('the price of the coin is not known', { reason: error.message })
      return undefined
    })
    if (coin === undefined) return undefined
    const { gasPrice } = await chain.rpc.getFeeData()
    return gasCostOf(BigInt(lastGas || typicalGas), gasPrice ?? 0n, coin)
  }

  /** One step's failure does not keep the others from being tried. */
  async #attempt<T>(step: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      this.components.log.error('settling failed', { hub: this.hub, step, reason: (error as Error).message })
      return undefined
    }
  }
}
