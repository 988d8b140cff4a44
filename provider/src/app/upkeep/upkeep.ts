import { SerialQueue } from '@pontage/shared'
import { type JudgingChain, judgeProbe, type WaysOut } from '../../core/way.js'
import type { Firewall, Surroundings } from '../../io/kernel/firewall.js'
import type { Machine } from '../../io/kernel/machine.js'
import type { OuterAddresses } from '../../io/link/outerAddresses.js'
import type { Components } from '../components.js'
import type { Sessions } from '../metering/sessions.js'
import { planNetwork } from '../offer/planNetwork.js'
import type { Settings } from '../settings.js'
import { probeTargets } from './probeTargets.js'

/** How often rules and switches are looked at: what a flush may cost of a consumer's time. */
const lookEveryMs = 1_000
/** Each so many looks also at what takes other programs to read: devices, routes, resolvers, others' rules. */
const wideLookEach = 3
/** How often packets are sent through, while they pass and while they do not. */
const probeEveryMs = 60_000
const probeAgainMs = 5_000

/** What is kept. */
interface Kept {
  readonly machine: Pick<Machine, 'keepForwarding' | 'keepTunnel' | 'others' | 'waysOut'>
  readonly firewall: Pick<Firewall, 'probe'>
  readonly sessions: Pick<Sessions, 'keepRules'>
  readonly outer: OuterAddresses
}

/**
 * Keeps the machine as serving needs it, idle or not: rules that were flushed, forwarding that was switched off, an uplink
 * made anew, addresses and routes that were taken away, another resolver. What it cannot mend it says.
 */
export class Upkeep {
  #devices: readonly string[]
  #around: Surroundings | undefined
  #looks = 0
  #faults: readonly string[] = []
  /** By what was looked at: what the last look found wrong. */
  readonly #found = new Map<string, string>()
  /** Why the last packets could not be sent: that keeps none of a consumer's from passing. */
  #untried: string | undefined
  #probedAt = Number.NEGATIVE_INFINITY
  #chains: readonly JudgingChain[] = []
  #chainsSeen = ''
  /** Takes seconds, in which the rest is looked at as ever. */
  #probing: Promise<void> | undefined
  #ways: WaysOut = { four: undefined, six: undefined }
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  readonly #stopping = new AbortController()
  readonly #turns = new SerialQueue()

  constructor(
    private readonly components: Pick<Components, 'log' | 'clock'>,
    private readonly settings: Settings,
    private readonly kept: Kept,
    network: Awaited<ReturnType<typeof planNetwork>>,
  ) {
    this.#devices = network.devices
    this.#next()
  }

  /** Sentences about what keeps traffic from passing and could not be mended. */
  faults(): readonly string[] {
    return this.#faults
  }

  /**
   * Asks the kernel now.
   *
   * @param probing - Sends packets through, too.
   * @returns the faults, and why no packets could be sent.
   */
  async look(probing: boolean): Promise<readonly string[]> {
    if (probing) this.#probedAt = Number.NEGATIVE_INFINITY
    await this.#turns.run(() => this.#round(true))
    if (!probing) return this.#faults
    await this.#probing
    return this.#untried === undefined ? this.#faults : [...this.#faults, `Not tried. ${this.#untried}`]
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#stopping.abort()
    await this.#turns.run(async () => undefined)
    await this.#probing
  }

  #next(): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(() => {
      const isWide = this.#looks++ % wideLookEach === 0
      void this.#turns.run(() => this.#round(isWide)).finally(() => this.#next())
    }, lookEveryMs)
  }

  /** Never throws: what goes wrong is a fault. */
  async #round(isWide: boolean): Promise<void> {
    if (this.#isStopped) return
    if (isWide) {
      await this.#attempt('tunnel', () => this.#keepTunnel())
      await this.#attempt('network', () => this.#lookAround())
    }
    await this.#attempt('forwarding', () => this.#keepForwarding())
    await this.#attempt('rules', async () => void (this.#around && (await this.#keepRules(this.#around))))
    if (isWide) {
      await this.#attempt('route', () => this.#lookOut())
      this.#probing ??= this.#attempt('probe', () => this.#probe()).finally(() => {
        this.#probing = undefined
        this.#note()
      })
    }
    this.#note()
  }

  async #attempt(what: string, step: () => Promise<string | undefined>): Promise<void> {
    const fault = await step().catch((error: Error) => error.message)
    if (fault === undefined) this.#found.delete(what)
    else this.#found.set(what, fault)
  }

  #note(): void {
    const { log } = this.components
    const now = [...new Set(this.#found.values())]
    const before = this.#faults
    for (const fault of now) if (!before.includes(fault)) log.error('no traffic passes', { reason: fault })
    if (before.length > 0 && now.length === 0) log.info('traffic passes again')
    this.#faults = now
  }

  async #keepTunnel(): Promise<undefined> {
    const mended = await this.kept.machine.keepTunnel()
    if (mended.length > 0)
      this.components.log.warn('the tunnel had lost something, which is back', { mended })
  }

  async #keepForwarding(): Promise<undefined> {
    const settings = await this.kept.machine.keepForwarding(this.#devices)
    if (settings.length > 0) this.components.log.warn('forwarding was off and is on again', { settings })
  }

  async #keepRules(around: Surroundings): Promise<undefined> {
    await this.kept.sessions.keepRules(around)
  }

  async #lookAround(): Promise<undefined> {
    const { machine, outer } = this.kept
    const { uplink, resolver4, resolver6, ownNetworks6, devices } = await planNetwork(this.settings, true)
    const before = this.#around?.uplink ?? uplink
    if (uplink !== before)
      this.components.log.warn('traffic leaves by another device', { before, now: uplink })
    const { chains, ...others } = await machine.others()
    this.#around = { uplink, resolver4, resolver6, ownNetworks6, ...others, outer: await outer.now() }
    this.#chains = chains
    this.#devices = devices
  }

  async #lookOut(): Promise<string | undefined> {
    const ways = await this.kept.machine.waysOut()
    this.#ways = ways
    const device = ways.four ?? ways.six
    const uplink = this.#around?.uplink ?? device
    if (device === undefined)
      return 'Consumers’ packets have no route to the internet: check ip route and ip rule.'
    return device === uplink
      ? undefined
      : `Consumers’ packets would leave by ${device}, but traffic leaves by ${uplink}: check ip rule, or set --uplink ${device}.`
  }

  async #probe(): Promise<string | undefined> {
    const { clock, log } = this.components
    const seen = JSON.stringify(this.#chains)
    const known = this.#found.get('probe')
    const isDue =
      seen !== this.#chainsSeen ||
      clock.elapsedMs() - this.#probedAt >= (known === undefined ? probeEveryMs : probeAgainMs)
    if (this.#around === undefined || !isDue) return known
    this.#chainsSeen = seen
    this.#probedAt = clock.elapsedMs()
    const targets = await probeTargets(this.#around)
    // Rules that are flushed meanwhile are another matter.
    const send = () =>
      this.kept.firewall.probe(targets, this.#stopping.signal).catch((error: Error) => error.message)
    let probed = await send()
    const judge = () =>
      typeof probed === 'string' ? undefined : judgeProbe(probed, this.#ways, this.#chains)
    // One that got lost is no proof.
    if (judge() !== undefined && known === undefined) probed = await send()
    this.#untried = typeof probed === 'string' ? probed : undefined
    if (typeof probed !== 'string') return judge()
    log.debug('no packet was sent through', { reason: probed })
    return undefined
  }
}
