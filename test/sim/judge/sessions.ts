import type { ConnectWishes } from '@pontage/consumer'
import { bytesPerMegabyte, type Hex, type Price } from '@pontage/shared'
import type { Traffic } from '../kernel/traffic.js'
import type { Judge } from './judge.js'

/** One consumer and one provider. */
interface Pair {
  readonly consumer: string
  readonly provider: string
  /** Highest totals by channel, of a consumer that is a program. */
  readonly signed: Map<Hex, bigint>
  /** How many tunnels there had been, and what had been signed, before anything was signed for the last one. */
  since: { readonly sessions: number; readonly signed: bigint }
}

/** A provider as the judge knows it. */
interface Known {
  readonly price: Price
  readonly isHonest: boolean
}

const secondsPerHour = 3_600n
/** Seconds that a consumer may sign for besides those in which its tunnel stood: until it stands, and ahead. */
const startSeconds = 8n

/** Judges sessions by what really passed their tunnels, whatever the programs counted. */
export class SessionJudge {
  readonly #pairs = new Map<string, Pair>()
  readonly #wishes = new Map<string, ConnectWishes>()
  /** Of the connection that runs, by consumer: what had been signed and had arrived when it began. */
  readonly #began = new Map<string, { readonly signed: bigint; readonly arrived: bigint }>()

  constructor(
    private readonly judge: Judge,
    private readonly traffic: Traffic,
    private readonly providers: ReadonlyMap<string, Known>,
    private readonly nameOf: (address: string) => string,
  ) {}

  connects(consumer: string, wishes: ConnectWishes): void {
    this.#wishes.set(consumer, wishes)
    this.#began.set(consumer, { signed: this.#signedBy(consumer), arrived: this.#arrivedAt(consumer) })
  }

  /** What a consumer signed, in all. */
  signedBy = (consumer: string): bigint => this.#signedBy(consumer)

  /** A consumer's program says why a session ended. */
  ended(consumer: string, provider: string, { reason }: { readonly reason: string | undefined }): void {
    const known = this.providers.get(this.nameOf(provider))
    if (known?.isHonest && (reason === 'counts' || reason === 'payment'))
      this.judge.say('honest ends do not part over counts', `${consumer} left ${provider} for ${reason}`)
  }

  /** A consumer's program writes a total into its journal, and signs it then. */
  signs(consumer: string, provider: string, channel: Hex, amount: bigint): void {
    const pair = this.#pair(consumer, this.nameOf(provider))
    const { sessions } = this.traffic.passedBy(consumer, pair.provider)
    if (sessions !== pair.since.sessions) pair.since = { sessions, signed: sum(pair.signed.values()) }
    const before = pair.signed.get(channel) ?? 0n
    if (amount > before) pair.signed.set(channel, amount)
    this.#judgeConsumer(pair)
  }

  /** It signs for what it asked for and got, at prices that were published and that its user accepts, within the user's limits. */
  #judgeConsumer(pair: Pair): void {
    const { consumer, provider } = pair
    const { price } = this.providers.get(provider) as Known
    const passed = this.traffic.passedBy(consumer, provider)
    const most = this.#wishes.get(consumer)?.limits.maxPrice.perHour ?? 0n
    const perHour = price.perHour < most ? price.perHour : most
    const arrived = passed.arrived - passed.before.arrived
    const seconds = BigInt(Math.ceil(passed.seconds - passed.before.seconds)) + startSeconds
    const megabytes = (arrived + bytesPerMegabyte - 1n) / bytesPerMegabyte + 2n
    const owed = megabytes * price.perMegabyte + (seconds * perHour) / secondsPerHour + 1n
    const signed = sum(pair.signed.values()) - pair.since.signed
    if (signed > owed)
      this.judge.say(
        'a consumer signs for what it got, no more',
        `${consumer} signed ${signed} for ${provider}, and owes ${owed} for ${arrived} bytes in ${seconds} s`,
      )
    const wishes = this.#wishes.get(consumer)
    const began = this.#began.get(consumer)
    if (!wishes || !began) return
    const spent = this.#signedBy(consumer) - began.signed
    for (const { amount, period } of wishes.limits.budgets)
      if (period === 'connect' && spent > amount)
        this.judge.say('a budget holds', `${consumer} signed ${spent} in a connection, of ${amount}`)
    const flowed = this.#arrivedAt(consumer) - began.arrived
    for (const { amount, period } of wishes.limits.caps)
      if (period === 'connect' && flowed > amount)
        this.judge.say('a cap holds', `${flowed} bytes of ${consumer} in a connection, of ${amount}`)
  }

  #signedBy = (consumer: string): bigint =>
    sum(this.#of((pair) => pair.consumer === consumer).map(({ signed }) => sum(signed.values())))

  #arrivedAt = (consumer: string): bigint =>
    sum([...this.providers.keys()].map((provider) => this.traffic.passedBy(consumer, provider).arrived))

  #of = (which: (pair: Pair) => boolean): Pair[] => [...this.#pairs.values()].filter(which)

  #pair(consumer: string, provider: string): Pair {
    const key = `${consumer} ${provider}`
    const known = this.#pairs.get(key) ?? {
      ...{ consumer, provider, signed: new Map() },
      since: { sessions: 0, signed: 0n },
    }
    this.#pairs.set(key, known)
    return known
  }
}

const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((all, each) => all + each, 0n)
