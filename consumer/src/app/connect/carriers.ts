import { setTimeout as delay } from 'node:timers/promises'
import { smallestTunnelMtu } from '@pontage/shared'
import {
  CommandFailed,
  readWireguard,
  type WireguardEndpoint,
  type WireguardInterface,
} from '@pontage/shared/node'
import { type CarrierName, type CarrierWish, firstCarrier, rememberMs } from '../../core/carrier.js'
import { listen, nothingHeard } from '../../core/hearing.js'
import { losesPackets } from '../../core/rootless.js'
import { keepCarrier, readCarrier } from '../../io/home/knownCarriers.js'
import { networkPrint } from '../../io/kernel/networkPrint.js'
import { callerOutside } from '../../io/kernel/ownRoot.js'
import { answers } from '../../io/kernel/pathMtu.js'
import { greeted } from '../../io/kernel/tunnelHealth.js'
import type { Context } from '../context.js'
import { type Reached, WssCarrier } from './wssCarrier.js'

/** How long UDP is tried alone; and before what would take its place is connected, so that it is there in time. */
const headStartMs = 1_000
const connectAfterMs = 400
const lookEveryMs = 500
/** Data that nothing answers from one look to the second after it makes a carrier doubtful; then the other end is asked. */
const doubtAfterMs = 900
/** It answers within this, however busy it is; or a first connection of the other carrier would stand later than its answer. */
const askSeconds = 2
const askAloneMs = 500
/** The answer is waited for so long at least. */
const askAtLeastMs = 1_000
/** Between two attempts at another carrier. */
const pauseMs = 2_000

/** @param moved - Told of each change in mid-session. */
export async function createCarriers(
  context: Context,
  wish: CarrierWish,
  to: Reached,
  moved: (carrier: CarrierName) => void,
): Promise<Carriers> {
  const outside = callerOutside()
  const losesUdp = outside !== undefined && losesPackets(outside.room)
  // What such a machine needs says nothing about its network.
  const isLearnt = wish === 'auto' && !losesUdp
  const network = isLearnt ? await networkPrint(to.udp.host).catch(() => undefined) : undefined
  const known = network === undefined ? undefined : await readCarrier(context.home, network)
  const first = firstCarrier(wish, known, losesUdp, Date.now())
  return new Carriers(context, { wish, to, network, first, moved })
}

/**
 * What the packets of one session travel by. The firewall's counters, and so the money, know nothing of it: only the
 * address changes that WireGuard sends to.
 */
export class Carriers {
  readonly #wss: WssCarrier
  readonly #gone = new AbortController()
  #current: CarrierName
  /** Aborted when UDP loses too much; then a new one. */
  #isLossy = new AbortController()

  constructor(
    private readonly context: Context,
    private readonly plan: {
      readonly wish: CarrierWish
      readonly to: Reached
      /** Print of the network, in which what worked is remembered. */
      readonly network: string | undefined
      readonly first: CarrierName
      readonly moved: (carrier: CarrierName) => void
    },
  ) {
    this.#wss = new WssCarrier(context, plan.to)
    this.#current = plan.first
  }

  get current(): CarrierName {
    return this.#current
  }

  /** Where WireGuard sends its packets at first; undefined where `wss` has to be connected before. */
  get first(): WireguardEndpoint | undefined {
    return this.plan.first === 'udp' ? this.plan.to.udp : undefined
  }

  /** The same by now. */
  now(): WireguardEndpoint | undefined {
    return this.#current === 'udp' ? this.plan.to.udp : this.#wss.endpoint
  }

  /** Finds one that carries a greeting: UDP gets a head start. To be called once the tunnel is up; never fails. */
  async race(
    tunnel: WireguardInterface,
    greet: (endpoint: WireguardEndpoint) => Promise<void>,
  ): Promise<void> {
    const { wish } = this.plan
    try {
      const isUdp = this.#current === 'udp'
      if (isUdp && (wish === 'udp' || (await greeted(tunnel, connectAfterMs)))) return
      const [isConnected] = await Promise.all([
        this.#connected(tunnel),
        isUdp && greeted(tunnel, headStartMs - connectAfterMs),
      ])
      if (isUdp && (!isConnected || (await greeted(tunnel, 0)))) return this.#wss.close()
      this.#current = isConnected || wish === 'wss' ? 'wss' : 'udp'
      const endpoint = this.now()
      if (endpoint) await greet(endpoint)
    } catch (error) {
      // The tunnel is gone, which is noticed by whoever waits for a greeting.
      this.context.log.debug('no carrier was found', { reason: (error as Error).message })
    }
  }

  /** Remembers for this network what carried the first packets. */
  remember(): Promise<void> {
    return this.#note(rememberMs.neverCame)
  }

  /** Puts another one in the place of one that carries nothing any more, until it is closed; never fails. */
  async keep(
    tunnel: WireguardInterface,
    greet: (endpoint: WireguardEndpoint) => Promise<void>,
  ): Promise<void> {
    if (this.plan.wish === 'udp') return
    try {
      await this.#watch(tunnel, greet, this.#gone.signal)
    } catch (error) {
      // A tunnel that is gone is noticed by whoever looks after its health.
      this.context.log.debug('the carrier is not watched any more', { reason: (error as Error).message })
    }
  }

  /** More is lost on the way than the session lives through: `wss` loses nothing. */
  lossy(): void {
    if (this.#current === 'udp') this.#isLossy.abort()
  }

  close(): void {
    this.#gone.abort()
    this.#wss.close()
  }

  async #watch(
    tunnel: WireguardInterface,
    greet: (endpoint: WireguardEndpoint) => Promise<void>,
    gone: AbortSignal,
  ): Promise<void> {
    let hearing = nothingHeard
    while (await passed(lookEveryMs, gone, this.#isLossy.signal)) {
      const isLossy = this.#isLossy.signal.aborted && this.#current === 'udp'
      this.#isLossy = new AbortController()
      const [peer] = await peersOf(tunnel)
      if (peer === undefined) continue
      const next = listen(hearing, peer, this.context.clock.elapsedMs(), doubtAfterMs)
      hearing = next.hearing
      const isBroken = isLossy || (this.#current === 'wss' && !this.#wss.isOpen)
      if (!isBroken && (!next.isSilent || (await this.#carriesAfterAll(tunnel)))) continue
      if (gone.aborted) return
      await this.#change(tunnel, greet)
      hearing = nothingHeard
      if (!(await passed(pauseMs, gone))) return
    }
  }

  async #change(
    tunnel: WireguardInterface,
    greet: (endpoint: WireguardEndpoint) => Promise<void>,
  ): Promise<void> {
    const before = this.#current
    const isThere = before === 'udp' && this.#wss.isOpen
    if (isThere || (await this.#connected(tunnel))) this.#current = 'wss'
    else if (this.plan.wish === 'auto') this.#current = 'udp'
    const endpoint = this.now()
    // One that was connected anew may lead to a provider that was started anew, which knows the tunnel's keys no more.
    if (endpoint === undefined || (before === 'udp' && this.#current === 'udp')) return
    await greet(endpoint)
    if (this.#current === before) return
    this.plan.moved(this.#current)
    await this.#note(rememberMs.stopped)
  }

  async #connected(tunnel: WireguardInterface): Promise<boolean> {
    return this.#wss.connect(tunnel).then(
      () => true,
      (error: Error) => {
        this.context.log.debug('wss does not carry', { reason: error.message })
        return false
      },
    )
  }

  /**
   * Whether the other end answers. Soon what would take over is connected: who has greeted and answered there
   * meanwhile, over several ways there and back, would have answered here, too. What cannot be asked says nothing.
   */
  async #carriesAfterAll(tunnel: WireguardInterface): Promise<boolean> {
    const { gateway4 } = this.plan.to
    const enough = new AbortController()
    const asked = answers({ tunnel, gateway4 }, smallestTunnelMtu, askSeconds, enough.signal).catch(
      () => true,
    )
    if (this.#current === 'wss') return asked
    const atLeast = delay(askAtLeastMs)
    // One that sends much and hears little is asked often, and answers at once: that is to cost its provider nothing.
    if (await Promise.race([asked, delay(askAloneMs)])) return true
    const connected = this.#connected(tunnel)
    const instead = Promise.all([connected, atLeast]).then(([isConnected]) => !isConnected && asked)
    const isAnswered = await Promise.race([asked, instead])
    enough.abort()
    await connected
    if (isAnswered) this.#wss.close()
    return isAnswered
  }

  async #note(forMs: number): Promise<void> {
    const { context, plan } = this
    if (plan.network === undefined) return
    const worked = { carrier: this.#current, until: Date.now() + forMs }
    await keepCarrier(context.home, plan.network, this.#current === 'udp' ? undefined : worked).catch(
      (error: Error) => context.log.debug('the carrier was not remembered', { reason: error.message }),
    )
  }
}

/** Waits, no longer than until it is `enough`. @returns Whether it is not over. */
async function passed(ms: number, gone: AbortSignal, enough?: AbortSignal): Promise<boolean> {
  const signal = enough ? AbortSignal.any([gone, enough]) : gone
  await delay(ms, undefined, { signal }).catch(() => undefined)
  return !gone.aborted
}

/** What WireGuard knows of the other end; nothing where it is gone, or too busy to say. */
const peersOf = (tunnel: WireguardInterface) =>
  readWireguard(tunnel).then(
    ({ peers }) => peers,
    (error) => {
      if (error instanceof CommandFailed) return []
      throw error
    },
  )
