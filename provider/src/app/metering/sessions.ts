import { type Hex, refuse, type Verdict, type Wei } from '@pontage/shared'
import {
  generatePresharedKey,
  type Link,
  type WireguardEndpoint,
  type WireguardKey,
} from '@pontage/shared/node'
import { noReading } from '../../core/meter.js'
import {
  beginSession,
  type Ending,
  resumeSession,
  type Session,
  type SessionEvent,
  step,
} from '../../core/session.js'
import type { Firewall } from '../../io/kernel/firewall.js'
import type { Machine, Peer } from '../../io/kernel/machine.js'
import type { InterruptedSession, SessionRecord, TunnelRecord } from '../../io/store/sessionStore.js'
import type { Parts } from '../components.js'
import { untilHungUp } from './awaitDisconnect.js'
import {
  accountOf,
  catchUp,
  endingText,
  figuresOf,
  type LiveSession,
  liveFrom,
  nothingCarried,
  progressOf,
  tell,
  withCarried,
} from './liveSession.js'
import { Rounds } from './rounds.js'

const usageEveryMs = 1_000
/** How often figures go to disk: what a power cut may cost of the history, never of the money. */
const noteEveryMs = 15_000

/**
 * The running sessions. What the kernel forwards is derived from them again in each round: read the counters,
 * advance every session, write what differs. Rounds, admissions and endings take turns.
 */
export class Sessions {
  readonly #live = new Map<string, LiveSession>()
  readonly #leaving = new Map<LiveSession, Promise<void>>()
  readonly #byChannel = new Map<Hex, LiveSession>()
  /** Sessions that were paid for since the kernel was last told. */
  readonly #paid = new Set<LiveSession>()
  readonly #rounds: Rounds
  #lastUsageAt = 0
  #lastNoteAt = 0
  #stopping = false

  constructor(
    private readonly parts: Parts,
    private readonly machine: Machine,
    private readonly firewall: Firewall,
    private readonly told: {
      /** A session ended: what it brought can be cleared. */
      ended: (live: LiveSession, code: string) => void
      /** Its consumer hung up: its addresses may be given away. */
      left: (live: LiveSession) => void
      /** The kernel cannot be read or written any more. */
      failed: (error: unknown) => void
      /** Milliseconds that a round over all sessions took. */
      took?: (ms: number) => void
    },
  ) {
    this.#rounds = new Rounds(
      parts.clock,
      { meter: (elapsedMs) => this.#round(elapsedMs), raise: () => this.#raiseLimits() },
      { failed: told.failed, took: (ms) => told.took?.(ms) },
    )
  }

  get count(): number {
    return this.#live.size
  }

  all(): LiveSession[] {
    return [...this.#live.values()]
  }

  find(id: string): LiveSession | undefined {
    return this.#live.get(id)
  }

  byChannel(channelId: Hex): LiveSession | undefined {
    return this.#byChannel.get(channelId)
  }

  /** Whether a running session has this key: WireGuard knows a peer by nothing else. */
  hasKey(wireguardKey: WireguardKey): boolean {
    return this.all().some((live) => live.wireguardKey === wireguardKey)
  }

  /** Lets a session in. */
  open(
    opening: Parameters<typeof beginSession>[0],
    record: SessionRecord,
    tunnel: Pick<TunnelRecord, 'addresses' | 'wireguardKey' | 'paymentPort'>,
    link: Link,
  ): Promise<WireguardKey> {
    return this.#rounds.inTurn(async () => {
      const session = beginSession(opening)
      const live = liveFrom(session, record, tunnel, nothingCarried)
      const { wireguardKey } = tunnel
      const presharedKey = generatePresharedKey()
      await this.#raise(live, { wireguardKey, presharedKey })
      const { price, creditBytes, graceSeconds } = opening
      const { bootId } = this.machine
      this.parts.sessions.begin(record, { ...tunnel, bootId, presharedKey, price, creditBytes, graceSeconds })
      this.#live.set(record.id, live)
      this.#byChannel.set(record.channelId, live)
      live.links.add(link)
      this.#watch(live, link)
      return presharedKey
    })
  }

  /**
   * Takes up a session that a crash interrupted, where it stood: its consumer has the grace to connect again.
   *
   * @param money - What is promised by now, and how far the hub stands behind it.
   */
  resume(
    { record, tunnel, carried, progress, promises }: InterruptedSession,
    money: Pick<Session, 'paid' | 'ceiling'>,
    endpoint: WireguardEndpoint | undefined,
  ): Promise<void> {
    return this.#rounds.inTurn(async () => {
      const { wireguardKey, presharedKey } = tunnel
      const { id, consumer, channelId, base } = record
      const { price, creditBytes, graceSeconds } = tunnel
      const session = resumeSession(
        { id, consumer, channelId, base, price, creditBytes, graceSeconds, ceiling: money.ceiling },
        { ...progress, paid: money.paid, promises, reading: withCarried(noReading, carried) },
      )
      const live = liveFrom(session, record, tunnel, carried)
      live.isInterrupted = true
      // Known first: its consumer may be at the door as soon as the peer is there.
      this.#live.set(id, live)
      this.#byChannel.set(channelId, live)
      await this.#raise(live, { wireguardKey, presharedKey, endpoint }).catch((error) => {
        this.#live.delete(id)
        this.#byChannel.delete(channelId)
        throw error
      })
      this.parts.sessions.raised(id)
    })
  }

  /** Kernel objects first, then the peer, so that no byte goes uncounted. */
  async #raise({ record, addresses, limit }: LiveSession, peer: Peer): Promise<void> {
    await this.firewall.admit(record.key, addresses, limit)
    await this.machine.addPeer(peer, addresses).catch(async (error) => {
      await this.firewall.dismiss(record.key, addresses, true)
      throw error
    })
  }

  /** Makes a connection one of a session's. */
  attach(id: string, link: Link): Verdict<{ session: Session }> {
    const live = this.#live.get(id)
    if (live === undefined || live.session.consumer !== link.peer)
      return refuse({ code: 'unknown-session', session: id })
    if (!live.links.has(link)) {
      live.links.add(link)
      live.isInterrupted = false
      this.#advance(live, { type: 'linked' })
      this.#watch(live, link)
    }
    return { ok: true, session: live.session }
  }

  /** A larger promise is on disk: traffic follows within the time between two rounds. */
  promised(channelId: Hex, total: Wei): void {
    const live = this.byChannel(channelId)
    if (live === undefined) return
    this.#advance(live, { type: 'promised', total })
    this.#paid.add(live)
    // What a quota dropped it counts as used: it has to be known before the limit can make up for it.
    if (live.isDropping) this.#rounds.soon()
    else this.#rounds.raise()
  }

  guaranteed(channelId: Hex, ceiling: Wei): void {
    const live = this.byChannel(channelId)
    if (live) this.#advance(live, { type: 'guaranteed', ceiling })
  }

  /** Ends a session with its last count taken, and gives its account; undefined when it is over already. */
  end(id: string, ending: Ending): Promise<ReturnType<typeof accountOf> | undefined> {
    return this.#rounds.inTurn(async () => {
      const live = this.#live.get(id)
      if (live === undefined) return undefined
      this.#advance(live, { type: 'end', ending })
      await this.#finish(live, ending)
      return accountOf(live.session)
    })
  }

  /** Ends all and stops reading. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const id of [...this.#live.keys()]) await this.end(id, { code: 'provider-stopping' })
    await Promise.all(this.#leaving.values())
    await this.#rounds.stop()
    this.firewall.close()
  }

  /** Writes the limits of those that paid. */
  async #raiseLimits(): Promise<void> {
    const paid = [...this.#paid].filter(({ record }) => this.#live.has(record.id))
    this.#paid.clear()
    await this.firewall.apply(paid.flatMap(catchUp))
  }

  async #round(elapsedMs: number): Promise<void> {
    const { clock, log } = this.parts
    const now = clock.elapsedMs()
    this.#paid.clear()
    if (this.#live.size === 0) return
    const readings = await this.firewall.read()
    const over: [LiveSession, Ending][] = []
    for (const live of this.#live.values()) {
      const { phase: before, reading: last } = live.session
      const ending = this.#advance(live, {
        type: 'metered',
        reading: withCarried(readings.get(live.record.key) ?? noReading, live.carried),
        elapsedMs,
      })
      live.isDropping = live.session.reading.dropped > last.dropped
      if (ending) over.push([live, ending])
      else if (before !== live.session.phase)
        log.debug('session changed', { session: live.record.id, phase: live.session.phase })
    }
    const going = this.all().filter((live) => live.session.phase !== 'ended')
    await this.firewall.apply(going.flatMap(catchUp))
    for (const [live, ending] of over) await this.#finish(live, ending)
    if (now - this.#lastUsageAt >= usageEveryMs) this.#tellUsage(now)
    if (now - this.#lastNoteAt >= noteEveryMs) this.#note(now)
  }

  /** Advances a session and tells what changed; the kernel follows in the next round. @returns why it is over. */
  #advance(live: LiveSession, event: SessionEvent): Ending | undefined {
    const { session, effects } = step(live.session, event)
    live.session = session
    const { id } = live.record
    for (const effect of effects) {
      if (effect.type === 'end') return effect.ending
      const { owed, paid } = accountOf(session)
      this.parts.log.info(effect.type === 'suspend' ? 'suspended' : 'resumed', { session: id, owed, paid })
      if (effect.type === 'suspend') tell(live, 'suspended', { session: id, owed, paid })
      else tell(live, 'resumed', { session: id, paid })
      this.#rounds.soon()
    }
    return undefined
  }

  /** Closes the way, takes the last count, and forgets the session; a kernel that fails does not keep it from ending. */
  async #finish(live: LiveSession, ending: Ending): Promise<void> {
    const { sessions, clock, log } = this.parts
    const { id, key, channelId, consumer } = live.record
    this.#live.delete(id)
    this.#byChannel.delete(channelId)
    try {
      if (live.passing) await this.firewall.apply([{ type: 'hold', key, addresses: live.addresses }])
      live.passing = false
      const reading = (await this.firewall.read()).get(key)
      if (reading) live.session = { ...live.session, reading: withCarried(reading, live.carried) }
      await this.firewall.dismiss(key, live.addresses, false)
    } catch (error) {
      this.told.failed(error)
    }
    const figures = figuresOf(live)
    const { code, message } = endingText(ending)
    sessions.end(id, figures, live.isInterrupted ? 'interrupted' : code, clock.now())
    if (code !== 'requested') tell(live, 'ended', { session: id, code, message, ...accountOf(live.session) })
    log.info('session ended', { session: id, consumer, channelId, reason: code, ...figures })
    this.told.ended(live, code)
    this.#leaving.set(live, this.#leave(live))
  }

  async #leave(live: LiveSession): Promise<void> {
    await untilHungUp(live, this.#stopping ? 'stopping' : 'serving')
    await this.#rounds
      .inTurn(async () => {
        if (!this.hasKey(live.wireguardKey)) await this.machine.removePeer(live.wireguardKey)
        this.told.left(live)
      })
      .catch((error: unknown) => this.told.failed(error))
    this.#leaving.delete(live)
  }

  #watch(live: LiveSession, link: Link): void {
    void link.closed.then(() => {
      live.links.delete(link)
      this.#advance(live, { type: 'unlinked' })
    })
  }

  #tellUsage(now: number): void {
    this.#lastUsageAt = now
    for (const live of this.#live.values())
      tell(live, 'usage', { session: live.record.id, ...accountOf(live.session) })
  }

  #note(now: number): void {
    this.#lastNoteAt = now
    for (const live of this.#live.values())
      this.parts.sessions.note(live.record.id, figuresOf(live), progressOf(live))
  }
}
