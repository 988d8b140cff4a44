import { type Hex, refuse, type Verdict, type Wei } from '@pontage/shared'
import type { Link, WireguardEndpoint } from '@pontage/shared/node'
import { noReading } from '../../core/meter.js'
import {
  beginSession,
  type Ending,
  isAtRest,
  resumeSession,
  type Session,
  type SessionEvent,
  step,
} from '../../core/session.js'
import type { Firewall, Surroundings } from '../../io/kernel/firewall.js'
import type { Machine, Peer } from '../../io/kernel/machine.js'
import type { InterruptedSession, SessionRecord, TunnelRecord } from '../../io/store/sessionRecord.js'
import type { Components } from '../components.js'
import { Accounts } from './accounts.js'
import { awaitDisconnect } from './awaitDisconnect.js'
import { endSession } from './endSession.js'
import {
  accountOf,
  catchUp,
  type LiveSession,
  liveFrom,
  nothingCarried,
  tell,
  usedBy,
  withCarried,
} from './liveSession.js'
import { LiveSessions } from './liveSessions.js'
import { rebuildRules } from './rebuildRules.js'
import { Rounds } from './rounds.js'

/**
 * The running sessions. What the kernel forwards is derived from them again in each round: read the counters,
 * advance every session, write what differs. Rounds, admissions and endings take turns.
 */
export class Sessions extends LiveSessions {
  readonly #leaving = new Map<LiveSession, Promise<void>>()
  /** Sessions that were paid for since the kernel was last told. */
  readonly #raised = new Set<LiveSession>()
  readonly #rounds: Rounds
  readonly #accounts: Accounts
  #stopping = false

  constructor(
    private readonly components: Components,
    private readonly machine: Machine,
    private readonly firewall: Firewall,
    private readonly events: {
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
    super()
    this.#accounts = new Accounts(components)
    this.#rounds = new Rounds(
      components.clock,
      { meter: (elapsedMs) => this.#round(elapsedMs), raise: () => this.#raiseLimits() },
      { failed: events.failed, took: (ms) => events.took?.(ms) },
    )
  }

  /** Lets a session in. */
  open(
    opening: Parameters<typeof beginSession>[0],
    given: Omit<SessionRecord, 'key'>,
    tunnel: Pick<TunnelRecord, 'addresses' | 'wireguardKey' | 'presharedKey' | 'paymentPort'>,
    link: Link,
  ): Promise<void> {
    return this.#rounds.inTurn(async () => {
      // Before its key is chosen: rules that are put back give new keys to all sessions.
      await this.#ensureRules()
      const session = beginSession(opening)
      const record = { ...given, key: this.components.sessions.nextKey() }
      const live = liveFrom(session, record, tunnel, nothingCarried)
      await this.#raise(live, tunnel)
      const { price, credit, graceSeconds, lent } = opening
      const { bootId } = this.machine
      try {
        this.components.sessions.begin(record, { ...tunnel, bootId, price, credit, graceSeconds, lent })
      } catch (error) {
        await this.#lower(live)
        throw error
      }
      this.add(live)
      live.links.add(link)
      this.#watch(live, link)
    })
  }

  /**
   * Takes up a session that a crash interrupted, where it stood: its consumer has the grace to connect again.
   *
   * @param money - What is promised by now, and how far the hub stands behind it.
   */
  resume(
    { record, tunnel, carried, progress, promises }: InterruptedSession,
    money: Pick<Session, 'promised' | 'ceiling'>,
    endpoint: WireguardEndpoint | undefined,
  ): Promise<void> {
    return this.#rounds.inTurn(async () => {
      const { wireguardKey, presharedKey } = tunnel
      const { id, consumer, channelId, base } = record
      const { price, credit, graceSeconds, lent } = tunnel
      const session = resumeSession(
        { id, consumer, channelId, base, price, credit, graceSeconds, lent, ceiling: money.ceiling },
        { ...progress, promised: money.promised, promises, reading: withCarried(noReading, carried) },
      )
      const live = liveFrom(session, record, tunnel, carried)
      live.isInterrupted = true
      // Known first: its consumer may connect as soon as the peer is there.
      await this.#ensureRules()
      this.add(live)
      await this.#raise(live, { wireguardKey, presharedKey, endpoint }).catch((error) => {
        this.remove(live)
        throw error
      })
      this.components.sessions.raised(id)
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

  /** Takes back what was raised for a session that is not to be: nobody else would end it. */
  async #lower({ record, addresses, wireguardKey }: LiveSession): Promise<void> {
    await this.machine
      .removePeer(wireguardKey)
      .finally(() => this.firewall.dismiss(record.key, addresses, true))
  }

  /** Makes a connection one of a session's. */
  attach(id: string, link: Link): Verdict<{ session: Session }> {
    const live = this.find(id)
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
    this.#raised.add(live)
    // What a quota dropped it counts as used: it has to be known before the limit can make up for it.
    // A lent session's payer learns by the next reading that it owes more.
    if (live.isDropping || live.session.lent) this.#rounds.soon()
    else this.#rounds.raise()
  }

  guaranteed(channelId: Hex, ceiling: Wei): void {
    const live = this.byChannel(channelId)
    if (live) this.#advance(live, { type: 'guaranteed', ceiling })
  }

  /** Ends a session with its last count taken, and gives its account; undefined when it is over already. */
  end(id: string, ending: Ending): Promise<ReturnType<typeof accountOf> | undefined> {
    return this.#rounds.inTurn(async () => {
      const live = this.find(id)
      if (live === undefined) return undefined
      this.#advance(live, { type: 'end', ending })
      await this.#finish(live, ending)
      return accountOf(live.session)
    })
  }

  /** Lets go of all as a crash would, with what was counted in the store: the next start takes them up. */
  leave(): Promise<void> {
    return this.#rounds.inTurn(async () => {
      const left = this.all()
      const readings = await this.firewall.read(left.map(({ record }) => record.key))
      this.components.sessions.carryAll(
        left.map((live) => {
          const { id, key } = live.record
          return { id, carried: usedBy(live, readings.get(key)) ?? live.session.reading }
        }),
      )
      for (const live of left) this.remove(live)
    })
  }

  /** Ends all and stops reading. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const { record } of this.all()) await this.end(record.id, { code: 'provider-stopping' })
    await Promise.all(this.#leaving.values())
    await this.#rounds.stop()
    this.firewall.close()
  }

  /** Has the rules follow the machine, and puts them back where another program took them away. */
  keepRules(around: Surroundings): Promise<void> {
    return this.#rounds.inTurn(() => this.#ensureRules(this.firewall.follow(around)))
  }

  /** @param areOld - Whether they are to be written anew in any case. */
  async #ensureRules(areOld = false): Promise<void> {
    const isWhole = await this.firewall.isWhole()
    if (isWhole && !areOld) return
    await this.#rebuild()
    if (!isWhole) this.#tellRebuilt()
  }

  #tellRebuilt(): void {
    this.components.log.warn('the rules were gone and are back', { sessions: this.count })
  }

  #rebuild(): Promise<void> {
    return rebuildRules(this.components, this.firewall, this.all())
  }

  /** Does it once more where it failed: somebody changed the rules, or a session's row in them, and they are written anew. */
  async #withRules<T>(work: () => Promise<T>): Promise<T> {
    return work().catch(async () => {
      await this.#rebuild()
      this.#tellRebuilt()
      return work()
    })
  }

  /** Writes the limits of those that paid. */
  async #raiseLimits(): Promise<void> {
    const raised = [...this.#raised].filter(({ record }) => this.find(record.id) !== undefined)
    this.#raised.clear()
    await this.#withRules(() => this.firewall.apply(raised.flatMap(catchUp)))
  }

  async #round(elapsedMs: number): Promise<void> {
    const { log } = this.components
    const changed = new Set(this.#raised)
    this.#raised.clear()
    if (this.count === 0) return
    const readings = await this.#withRules(() => this.firewall.read())
    let areSetBack = false
    const over: [LiveSession, Ending][] = []
    for (const live of this.all()) {
      const { phase: before, reading: last } = live.session
      const counted = readings.get(live.record.key) ?? noReading
      const used = usedBy(live, counted)
      const reading = used ?? last
      if (used) live.counted = counted
      else areSetBack = true
      if (!isAtRest(live.session, reading)) changed.add(live)
      const ending = this.#advance(live, { type: 'metered', reading, elapsedMs })
      live.isDropping = live.session.reading.dropped > last.dropped
      if (ending) over.push([live, ending])
      else if (before !== live.session.phase)
        log.debug('session changed', { session: live.record.id, phase: live.session.phase })
    }
    // Who set counters back may have done the same to quotas.
    if (areSetBack) await this.#rebuild().then(() => this.#tellRebuilt())
    const going = [...changed].filter(
      (live) => live.session.phase !== 'ended' && this.find(live.record.id) !== undefined,
    )
    await this.#withRules(() => this.firewall.apply(going.flatMap(catchUp)))
    for (const [live, ending] of over) await this.#finish(live, ending)
    this.#accounts.give(this.all())
  }

  /** Advances a session and tells what changed; the kernel follows in the next round. @returns why it is over. */
  #advance(live: LiveSession, event: SessionEvent): Ending | undefined {
    const { session, effects } = step(live.session, event)
    live.session = session
    const { id } = live.record
    for (const effect of effects) {
      if (effect.type === 'end') return effect.ending
      const { owed, promised } = accountOf(session)
      this.components.log.info(effect.type === 'suspend' ? 'suspended' : 'resumed', {
        session: id,
        owed,
        promised,
      })
      if (effect.type === 'suspend') tell(live, 'suspended', { session: id, owed, promised })
      else tell(live, 'resumed', { session: id, promised })
      this.#rounds.soon()
    }
    return undefined
  }

  async #finish(live: LiveSession, ending: Ending): Promise<void> {
    // When all end the rules go, too: where they cannot be written, each would wait for that.
    if (!this.#stopping) await this.#ensureRules().catch(this.events.failed)
    let isLeft = false
    const leave = () => {
      isLeft = true
    }
    // Known until what it owes is stored: its consumer has no moment in which neither counts against its credit.
    const code = await endSession(this.components, this.firewall, live, ending, leave).finally(() =>
      this.remove(live),
    )
    if (isLeft && !this.#stopping) await this.#rebuild().then(() => this.#tellRebuilt(), this.events.failed)
    this.events.ended(live, code)
    this.#leaving.set(live, this.#leave(live))
  }

  async #leave(live: LiveSession): Promise<void> {
    await awaitDisconnect(live, this.#stopping ? 'stopping' : 'serving')
    await this.#rounds
      .inTurn(async () => {
        if (!this.hasKey(live.wireguardKey)) await this.machine.removePeer(live.wireguardKey)
        this.events.left(live)
      })
      .catch((error: unknown) => this.events.failed(error))
    this.#leaving.delete(live)
  }

  #watch(live: LiveSession, link: Link): void {
    void link.closed.then(() => {
      live.links.delete(link)
      this.#advance(live, { type: 'unlinked' })
    })
  }
}
