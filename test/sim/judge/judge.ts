import {
  type Address,
  type ChannelParties,
  type Hex,
  money,
  netOf,
  type Result,
  type Signed,
  wei,
} from '@pontage/shared'
import { decodeCleared, type Identity } from '@pontage/shared/node'
import type { Line } from '../actors/lines.js'
import { nameOf } from '../actors/people.js'
import type { Block, Chain } from '../chain/chain.js'
import { documents } from '../chain/contracts.js'
import type { Node } from '../chain/node.js'
import { riches } from '../chain/opening.js'
import type { ChainState } from '../chain/state.js'
import { timeline } from '../stage/timeline.js'

/** A rule of the protocol that was broken, and how. */
export interface Violation {
  readonly rule: string
  readonly what: string
  readonly atMs: number
}

/** Sees all that happens, and says which rule was broken first. */
export class Judge {
  readonly violations: Violation[] = []
  readonly #guarantees = new Map<Hex, Signed<'Guarantee'>[]>()
  /** The highest total that an honest provider was answered with. */
  readonly #totals = new Map<string, bigint>()
  /** The highest total that ever left the hub, by provider. */
  readonly #promised = new Map<Address, bigint>()
  /** The highest totals that consumers signed, by provider and channel. */
  readonly #signedFor = new Map<Address, Map<Hex, bigint>>()
  readonly #accepted = new Set<Line>()
  readonly #signed = new Map<string, bigint>()
  readonly #supply: bigint

  constructor(
    private readonly chain: Chain,
    private readonly nodes: readonly Node[],
    private readonly hub: Identity,
    private readonly honest: {
      readonly providers: readonly Identity[]
      readonly consumers: readonly Identity[]
    },
    private readonly confirmations: number,
  ) {
    this.#supply = money.supply(chain.newest.state.money)
    chain.onBlock.push((block) => this.#block(block))
  }

  say(rule: string, what: string): void {
    const { nowMs, trace } = timeline()
    trace.note(`VIOLATION ${rule}: ${what}`)
    this.violations.push({ rule, what, atMs: nowMs })
  }

  /**
   * Reads what leaves a hub, whether or not it arrives.
   *
   * @param arePlayers - Whether all that consumers signed was told.
   */
  hubSends(data: Buffer, isBinary: boolean, arePlayers: boolean): void {
    if (isBinary) {
      const cleared = decodeCleared(data)
      if (cleared) this.#promises(cleared.value, arePlayers)
      for (const guarantee of cleared?.value.guarantees ?? []) this.#guaranteed(guarantee)
      return
    }
    const text = data.toString()
    if (!text.includes('"guarantee"')) return
    const { guarantee } = JSON.parse(text) as { guarantee?: Record<string, string> }
    if (!guarantee || typeof guarantee.ceiling !== 'string') return
    this.#guaranteed({
      ...guarantee,
      ceiling: wei(BigInt(guarantee.ceiling)),
    } as unknown as Signed<'Guarantee'>)
  }

  #promises({ total, signature }: Pick<Result<'clear'>, 'total' | 'signature'>, arePlayers: boolean): void {
    const hub = this.hub.address
    const provider = [...this.chain.newest.state.money.identities.keys()].find(
      (each) => documents.check('HubPromise', { hub, provider: each, total, signature }, hub).ok,
    )
    if (!provider) return
    if (total > (this.#promised.get(provider) ?? 0n)) this.#promised.set(provider, total)
    const signed = [...(this.#signedFor.get(provider)?.values() ?? [])]
    const most = signed.reduce((sum, amount) => sum + netOf(wei(amount), 200), 0n)
    if (arePlayers && total > most)
      this.say(
        'no more is promised than was signed',
        `${nameOf(provider)} was promised ${total}, of ${most} signed for it`,
      )
  }

  /** Anybody signed a total on a channel of its own, whomever it shows that to. */
  signs({ channelId, provider }: Pick<Line, 'channelId' | 'provider'>, total: bigint): void {
    const known = this.#signedFor.get(provider) ?? new Map<Hex, bigint>()
    this.#signedFor.set(provider, known)
    if (total > (known.get(channelId) ?? 0n)) known.set(channelId, total)
  }

  /** An honest provider has a promise under a guarantee: it is to be paid, whatever happens. */
  accepted(line: Line): void {
    this.#accepted.add(line)
  }

  /** An honest consumer signed a total. */
  signed(consumer: string, parties: ChannelParties, provider: string, total: bigint): void {
    this.#signed.set(`${consumer} ${parties.nonce} ${provider}`, total)
  }

  /** A hub answered a clear of an honest provider. */
  cleared(provider: string, before: bigint, total: bigint, covered: bigint): void {
    const highest = this.#totals.get(provider) ?? 0n
    if (total < highest || total < before)
      this.say(
        'no total falls',
        `the hub signed ${total} for ${provider}, after ${highest > before ? highest : before}`,
      )
    if (total < covered)
      this.say('a clear is answered in full', `${provider} cleared ${covered}, and was promised ${total}`)
    if (total > highest) this.#totals.set(provider, total)
  }

  #guaranteed(guarantee: Signed<'Guarantee'>): void {
    const { channelId } = guarantee
    const stillMs = Math.min(...this.nodes.map((node) => node.standsStillForMs))
    if (stillMs > blindMs)
      this.say(
        'nothing is signed on a chain that stands still',
        `for ${Math.round(stillMs / 1_000)} s no node showed a block`,
      )
    const all = [...(this.#guarantees.get(channelId) ?? []), guarantee]
    this.#guarantees.set(channelId, all)
    const { newest, blocks } = this.chain
    const parties = newest.state.parties.get(channelId)
    const channel = parties && money.channelOf(newest.state.money, parties)
    // The hub decides on a confirmed block that it read a while ago, out of those that a node shows.
    const shown = Math.max(...this.nodes.map((node) => node.shows))
    const seen = blocks[Math.max(0, shown - this.confirmations - 6)] as Block
    if (!parties || !channel) {
      this.say('no guarantee without a channel', channelId)
      return
    }
    const live = all.filter(({ expiresAt }) => expiresAt > newest.at)
    const providers = new Set(all.map(({ provider }) => provider))
    let reserved = 0n
    for (const provider of providers) {
      const tab = money.tabOf(newest.state.money, parties, provider)
      const before = money.tabOf(seen.state.money, parties, provider).protested
      const protested = tab.protested < before ? tab.protested : before
      const ceilings = live.filter((each) => each.provider === provider).map(({ ceiling }) => ceiling)
      const claim = [protested, tab.drawn, ...ceilings].reduce((a, b) => (a > b ? a : b), 0n)
      reserved += claim - tab.drawn
    }
    for (const [provider, tab] of seen.state.money.tabs.get(money.channelKey(parties)) ?? []) {
      const now = money.tabOf(newest.state.money, parties, provider)
      if (!providers.has(provider) && now.protestEndsAt === tab.protestEndsAt && tab.protested > now.drawn)
        reserved += tab.protested - now.drawn
    }
    if (reserved > channel.balance)
      this.say(
        'no double guarantee',
        `guarantees of ${nameOf(parties.consumer)}/${parties.nonce} stand for ${reserved}, of ${channel.balance} (the last for ${nameOf(guarantee.provider)})`,
      )
    const before = money.channelOf(seen.state.money, parties)
    if (
      before &&
      (before.exitAt > 0 || !before.open) &&
      channel.exitAt === before.exitAt &&
      guarantee.ceiling > this.#highestBefore(guarantee)
    )
      this.say('no guarantee on a channel that is being left', `${nameOf(parties.consumer)}/${parties.nonce}`)
  }

  #highestBefore(guarantee: Signed<'Guarantee'>): bigint {
    return (this.#guarantees.get(guarantee.channelId) ?? [])
      .filter((each) => each !== guarantee && each.provider === guarantee.provider)
      .reduce((highest, { ceiling }) => (ceiling > highest ? ceiling : highest), 0n)
  }

  #block({ state }: Block): void {
    const supply = money.supply(state.money)
    if (supply !== this.#supply) this.say('money is conserved', `${supply} tokens, of ${this.#supply}`)
    const { faults, stake } = money.identityOf(state.money, this.hub.address)
    if (faults > 0 && !this.violations.some(({ rule }) => rule === noFault))
      this.say(noFault, `it has ${faults}, and ${stake} of its stake is left`)
  }

  /**
   * What must hold in the end, when everything was settled.
   *
   * @param hasLostLedger - Then the hub may have paid for promises that only a dishonest provider could show it again:
   *   it keeps its stake, but not all of its pool (docs/security.md).
   * @param arePlayers - Whether honest providers and consumers told what they took and signed.
   */
  end(hasLostLedger: boolean, arePlayers: boolean): void {
    const { state } = this.chain.newest
    if (!hasLostLedger) this.#judgeHub(state)
    if (!arePlayers) return
    this.#judgeProviders(state)
    this.#judgeConsumers(state)
  }

  /** The same where sessions are real: what providers took, and what consumers signed, was read on the way. */
  endSessions(
    now: money.Money,
    {
      hub,
      providers,
      consumers,
    }: {
      readonly hub: Identity
      readonly providers: readonly Identity[]
      readonly consumers: readonly Identity[]
    },
    accepted: { by(provider: string): bigint[] },
    sessions: { signedBy(consumer: string): bigint },
  ): void {
    for (const { address } of providers) {
      const due = accepted.by(nameOf(address)).reduce((sum, amount) => sum + netOf(wei(amount), 200), 0n)
      const { paid } = money.accountOf(now, hub.address, address)
      const { credited } = money.accountOf(now, hub.address, address)
      const got = paid > credited ? paid : credited
      if (got < due) this.say('an honest provider is paid', `${nameOf(address)} got ${got} of ${due}`)
    }
    for (const { address } of consumers) {
      const signed = sessions.signedBy(nameOf(address)) + relayFees
      const has = this.#riches(now, address)
      if (has + signed < riches)
        this.say(
          'an honest consumer loses what it signed, no more',
          `${nameOf(address)} signed ${signed}, and lost ${riches - has}`,
        )
    }
  }

  #riches(now: money.Money, address: Identity['address']): bigint {
    const held = [...now.channels.values()]
      .filter(({ parties }) => parties.consumer === address)
      .reduce((sum, { balance }) => sum + balance, 0n)
    const { stake, unbonding } = money.identityOf(now, address)
    return held + stake + unbonding + money.walletOf(now, address)
  }

  #judgeHub({ money: now }: ChainState): void {
    const { address } = this.hub
    const { stake, unbonding } = money.identityOf(now, address)
    const has = money.hubOf(now, address).pool + stake + unbonding + money.walletOf(now, address)
    if (has < riches) this.say(nothingLost, `${riches - has} of its ${riches} are gone`)
    // Fees must not hide it: what it promised each provider came in from that one's consumers.
    for (const provider of now.identities.keys()) {
      const { credited, paid } = money.accountOf(now, address, provider)
      const promised = this.#promised.get(provider) ?? 0n
      const spent = promised > paid ? promised : paid
      if (spent > credited)
        this.say(nothingLost, `${nameOf(provider)} was promised ${spent}, and ${credited} was drawn for it`)
    }
  }

  #judgeProviders({ money: now }: ChainState): void {
    for (const { address } of this.honest.providers) {
      const due = [...this.#accepted]
        .filter(({ provider }) => provider === address)
        .reduce((sum, line) => sum + netOf(wei(line.promised), 200), 0n)
      const { paid } = money.accountOf(now, this.hub.address, address)
      if (paid < due) this.say('an honest provider is paid', `${nameOf(address)} got ${paid} of ${due}`)
    }
  }

  #judgeConsumers({ money: now }: ChainState): void {
    for (const { address } of this.honest.consumers) {
      const name = nameOf(address)
      const signed = [...this.#signed]
        .filter(([key]) => key.startsWith(`${name} `))
        .reduce((sum, [, total]) => sum + total, 0n)
      const has = this.#riches(now, address)
      if (has + signed < riches)
        this.say(
          'an honest consumer loses what it signed, no more',
          `${name} signed ${signed}, and lost ${riches - has}`,
        )
    }
  }
}

/** Milliseconds after which a hub must have noticed that no node shows a new block. */
const blindMs = 200_000
/** What hubs may have taken for sending a consumer's transactions. */
const relayFees = 10n ** 18n
const nothingLost = 'an honest hub loses nothing'
const noFault = 'an honest hub has no faults'
