import type { ConnectWishes } from '@pontage/consumer'
import { bytesPerMegabyte, chargedBytes, type Hex, type Price } from '@pontage/shared'
import { decodeAccepted, decodePromise } from '@pontage/shared/node'
import { creditBytes } from '../actors/providerMachine.js'
import type { Passed, Traffic } from '../kernel/traffic.js'
import type { Process } from '../stage/timeline.js'
import type { Judge } from './judge.js'

/** One consumer and one provider: what was signed between them, and what the provider confirmed. */
interface Pair {
  readonly consumer: string
  readonly provider: string
  /** Highest totals by channel, of a consumer that is a program. */
  readonly signed: Map<Hex, bigint>
  readonly accepted: Map<Hex, bigint>
  /** The channel of the promise that went last: what is confirmed next is of it. */
  last: Hex | undefined
}

/** A provider as the judge knows it. */
interface Known {
  readonly price: Price
  readonly isHonest: boolean
}

const secondsPerHour = 3_600n
/** Of what was promised, in hundredths, so much may be lost on the way and is forgiven. */
const forgivenHundredths = 4n

/** Judges sessions by what really passed their tunnels, whatever the programs counted. */
export class SessionJudge {
  readonly #pairs = new Map<string, Pair>()
  readonly #wishes = new Map<string, ConnectWishes>()
  /** Of the connection that runs, by consumer: what had been signed and had arrived when it began. */
  readonly #began = new Map<string, { readonly signed: bigint; readonly arrived: bigint }>()
  /** The most that a consumer ever accepted for an hour. */
  readonly #perHour = new Map<string, bigint>()

  constructor(
    private readonly judge: Judge,
    private readonly traffic: Traffic,
    private readonly providers: ReadonlyMap<string, Known>,
    private readonly nameOf: (address: string) => string,
  ) {}

  /** Reads what leaves a program for another. */
  reads(from: Process, to: Process | undefined, data: Buffer, isBinary: boolean): void {
    if (!isBinary || !to) return
    const promise = this.providers.has(to.name) ? decodePromise(data) : undefined
    if (promise) {
      this.#pair(from.name, to.name).last = promise.channelId
      return
    }
    const amount = this.providers.has(from.name) ? decodeAccepted(data) : undefined
    if (amount !== undefined) this.#accepted(this.#pair(to.name, from.name), amount)
  }

  connects(consumer: string, wishes: ConnectWishes): void {
    this.#wishes.set(consumer, wishes)
    const most = this.#perHour.get(consumer) ?? 0n
    const { perHour = 0n } = wishes.limits.maxPrice
    this.#perHour.set(consumer, perHour > most ? perHour : most)
    this.#began.set(consumer, { signed: this.#signedBy(consumer), arrived: this.#arrivedAt(consumer) })
  }

  /** What a provider took from consumers, by channel. */
  acceptedBy(provider: string): bigint[] {
    return this.#of(({ provider: name }) => name === provider).flatMap(({ accepted }) => [
      ...accepted.values(),
    ])
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
    const before = pair.signed.get(channel) ?? 0n
    if (amount > before) pair.signed.set(channel, amount)
    this.#judgeConsumer(pair)
  }

  #accepted(pair: Pair, amount: bigint): void {
    const { last, accepted } = pair
    if (last !== undefined && amount > (accepted.get(last) ?? 0n)) accepted.set(last, amount)
  }

  /** It signs for what it asked for and got, at prices that were published and that its user accepts, within the user's limits. */
  #judgeConsumer(pair: Pair): void {
    const { consumer, provider } = pair
    const { price } = this.providers.get(provider) as Known
    const passed = this.traffic.passedBy(consumer, provider)
    const most = this.#perHour.get(consumer) ?? 0n
    const perHour = price.perHour < most ? price.perHour : most
    const spans = BigInt(passed.sessions)
    const megabytes = (passed.arrived + bytesPerMegabyte - 1n) / bytesPerMegabyte + 2n * spans
    const seconds = BigInt(Math.ceil(passed.seconds)) + 8n * spans
    const owed = megabytes * price.perMegabyte + (seconds * perHour) / secondsPerHour + spans
    const signed = sum(pair.signed.values())
    if (signed > owed)
      this.judge.say(
        'a consumer signs for what it got, no more',
        `${consumer} signed ${signed} for ${provider}, and owes ${owed} for ${passed.arrived} bytes in ${passed.seconds} s`,
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

  /** What a provider has forwarded and nobody has promised is no more than its offer allows for, to one identity. */
  judgeCredit(identityOf: (machine: string) => string): void {
    const byIdentity = new Map<
      string,
      { provider: string; forwarded: bigint; promised: bigint; spans: bigint }
    >()
    for (const pair of this.#of(({ provider }) => this.providers.get(provider)?.isHonest === true)) {
      const { provider, consumer, accepted } = pair
      const { price } = this.providers.get(provider) as Known
      const key = `${provider} ${identityOf(consumer)}`
      const known = byIdentity.get(key) ?? { provider, forwarded: 0n, promised: 0n, spans: 0n }
      const passed = this.traffic.passedBy(consumer, provider)
      byIdentity.set(key, {
        provider,
        forwarded: known.forwarded + (charged(passed) * price.perMegabyte) / bytesPerMegabyte,
        promised: known.promised + sum(accepted.values()),
        spans: known.spans + BigInt(passed.sessions),
      })
    }
    for (const [key, { provider, forwarded, promised }] of byIdentity) {
      const { price } = this.providers.get(provider) as Known
      const credit = ((creditBytes + 1_000_000n) * price.perMegabyte) / bytesPerMegabyte
      const most = credit + (promised * forgivenHundredths) / 100n
      if (forwarded - promised > most)
        this.judge.say(
          'credit is one for each identity',
          `${key} was forwarded ${forwarded}, promised ${promised}, and has a credit of ${most}`,
        )
    }
  }

  #signedBy = (consumer: string): bigint =>
    sum(this.#of((pair) => pair.consumer === consumer).map(({ signed }) => sum(signed.values())))

  #arrivedAt = (consumer: string): bigint =>
    sum([...this.providers.keys()].map((provider) => this.traffic.passedBy(consumer, provider).arrived))

  #of = (which: (pair: Pair) => boolean): Pair[] => [...this.#pairs.values()].filter(which)

  #pair(consumer: string, provider: string): Pair {
    const key = `${consumer} ${provider}`
    const known = this.#pairs.get(key) ?? {
      ...{ consumer, provider, signed: new Map(), accepted: new Map(), last: undefined },
    }
    this.#pairs.set(key, known)
    return known
  }

  /** Sees to it that a pair that never promised anything is judged, too. */
  meets(consumer: string, provider: string): void {
    this.#pair(consumer, provider)
  }
}

const sum = (amounts: Iterable<bigint>): bigint => [...amounts].reduce((all, each) => all + each, 0n)
const charged = ({ forwarded, forwardedPackets }: Passed): bigint =>
  chargedBytes({ downBytes: forwarded, upBytes: 0n, downPackets: forwardedPackets, upPackets: 0n } as never)
