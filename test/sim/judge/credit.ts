import { bytesPerMegabyte, chargedBytes, type Hex, type Price } from '@pontage/shared'
import { creditBytes } from '../actors/providerMachine.js'
import { consumerStake } from '../chain/opening.js'
import type { Passed, Traffic } from '../kernel/traffic.js'
import type { Accepted } from './accepted.js'
import type { Judge } from './judge.js'

/** A session of somebody who pays as little as it likes. */
interface Taken {
  readonly machine: string
  readonly identity: string
  readonly provider: string
  readonly channel: Hex
  /** What was promised on its channel, and had been forwarded to its machine, when it began. */
  readonly base: bigint
  readonly since: bigint
  /** Bytes that it got; undefined while it runs. */
  got?: bigint
  /** What was promised on its channel by the time the next session began there; undefined before. */
  promised?: bigint
}

interface Provider {
  readonly price: Price
  readonly isHonest: boolean
}

/** Judges what is given ahead of payment by what really passed, whatever a provider counted or forgot. */
export class CreditJudge {
  readonly #all: Taken[] = []

  constructor(
    private readonly judge: Judge,
    private readonly traffic: Traffic,
    private readonly providers: ReadonlyMap<string, Provider>,
    private readonly accepted: Accepted,
  ) {}

  /** A session begins; what is promised on its channel from now on is for this one. */
  begins(taken: Pick<Taken, 'machine' | 'identity' | 'provider' | 'channel'>): void {
    const { machine, provider, channel } = taken
    const base = this.accepted.on(provider, channel)
    for (const each of this.#all)
      if (each.provider === provider && each.channel === channel) each.promised ??= base
    this.#all.push({ ...taken, base, since: charged(this.traffic.passedBy(machine, provider)) })
  }

  /** Nothing flows to a machine any more. */
  ends(machine: string): void {
    for (const each of this.#all) if (each.machine === machine) each.got ??= this.#gotBy(each)
  }

  /**
   * What sessions of one identity got from a provider and were not promised for, each for itself, is no more than its credit: what
   * a newcomer with such a stake gets, and a quarter of what it promised, up to what the offer allows for (docs/protocol.md).
   */
  look(): void {
    const owed = new Map<string, { provider: string; identity: string; unpaid: bigint }>()
    for (const each of this.#all) {
      const { provider, identity, channel, base, got, promised } = each
      const { price, isHonest } = this.providers.get(provider) as Provider
      if (!isHonest) continue
      const paid = (promised ?? this.accepted.on(provider, channel)) - base
      const worth = worthOf(got ?? this.#gotBy(each), price)
      const before = owed.get(`${provider} ${identity}`)?.unpaid ?? 0n
      const unpaid = before + (worth > paid ? worth - paid : 0n)
      owed.set(`${provider} ${identity}`, { provider, identity, unpaid })
    }
    for (const { provider, identity, unpaid } of owed.values()) this.#judge(provider, identity, unpaid)
  }

  #judge(provider: string, identity: string, unpaid: bigint): void {
    const { price } = this.providers.get(provider) as Provider
    const promised = this.accepted.of(provider, identity)
    const earned = consumerStake / 100n + promised / 4n
    const offered = worthOf(creditBytes, price)
    const credit = earned < offered ? earned : offered
    const most = credit + worthOf(underWayBytes, price) + (promised * forgivenHundredths) / 100n
    if (unpaid > most)
      this.judge.say(
        'credit is one for each identity',
        `${identity} was forwarded ${unpaid} by ${provider} that it did not promise, of ${promised} promised, and may owe ${most}`,
      )
  }

  #gotBy({ machine, provider, since }: Taken): bigint {
    return charged(this.traffic.passedBy(machine, provider)) - since
  }
}

/** What is on its way when a session ends, and the largest packets. */
const underWayBytes = 500_000n
/** Of what was promised, in hundredths, so much may be lost on the way and is forgiven. */
const forgivenHundredths = 4n
const worthOf = (amount: bigint, { perMegabyte }: Price): bigint => (amount * perMegabyte) / bytesPerMegabyte
const charged = ({ forwarded, forwardedPackets }: Passed): bigint =>
  chargedBytes({ downBytes: forwarded, upBytes: 0n, downPackets: forwardedPackets, upPackets: 0n } as never)
