import type { ChannelParties } from '../documents.js'
import { type Address, type Wei, wei } from '../units.js'
import type { DrawOrder, RedeemOrder } from './operation.js'
import { accountOf, channelOf, hubOf, identityOf, largestAmount, type Money, tabOf } from './state.js'

/** Who takes part in a random play. Anybody may do anything; nobody need be honest. */
export interface Cast {
  readonly consumers: readonly Address[]
  readonly providers: readonly Address[]
  readonly hubs: readonly Address[]
}

/** A whole number from zero to below `sides`; the only source of chance. */
export type Dice = (sides: number) => number

/** Repeatable dice: the same seed throws the same numbers (mulberry32). */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides
  }
}

/** What a player sees, and how it chooses among it. */
export class Table {
  constructor(
    readonly money: Money,
    readonly cast: Cast,
    readonly dice: Dice,
  ) {}

  one<Item>(items: readonly Item[]): Item {
    const item = items[this.dice(items.length)]
    if (item === undefined) throw new Error('nothing to choose from')
    return item
  }
  /** True once in `times`. */
  rarely = (times: number): boolean => this.dice(times) === 0
  anybody = (): Address => this.one([...this.cast.consumers, ...this.cast.providers, ...this.cast.hubs])
  consumer = (): Address => this.one(this.cast.consumers)
  provider = (): Address => this.one(this.cast.providers)
  hub = (): Address => this.one(this.cast.hubs)
  /** A channel that may have been opened or not. */
  parties(): ChannelParties {
    return { consumer: this.consumer(), hub: this.hub(), nonce: this.dice(2) }
  }
  /** A channel that was opened, if there is one. */
  opened(): ChannelParties {
    const channels = [...this.money.channels.values()]
    return channels.length === 0 || this.rarely(12) ? this.parties() : this.one(channels).parties
  }
  /** `amount`, one less, one more, some part of it, or something else. */
  near(amount: bigint): Wei {
    const part = (amount * BigInt(this.dice(1_001))) / 1_000n
    const chosen = this.one([amount, amount, amount + 1n, amount - 1n, part, part, BigInt(this.dice(2_000))])
    return wei(chosen < 0n ? 0n : chosen)
  }
  /** Who signed: the one who should have, but for a rare forgery. */
  signer = (expected: Address): Address => (this.rarely(30) ? this.anybody() : expected)
  /** A total for a provider that the channel could pay, or nearly. */
  promise(parties: ChannelParties, provider: Address): Wei {
    if (this.rarely(150)) return wei(largestAmount + 1n)
    const { drawn, protested, owedByConsumer, owedByHub } = tabOf(this.money, parties, provider)
    const balance = channelOf(this.money, parties)?.balance ?? 0n
    if (this.rarely(4)) return this.near(this.one([drawn, protested, owedByConsumer, owedByHub]))
    return wei(drawn + this.near(this.one([balance, balance + 50n, 100n])))
  }
  /** A promise to draw, with a guarantee or by the hub itself. */
  drawOrder(): DrawOrder & { by: Address } {
    const parties = this.opened()
    const provider = this.provider()
    const amount = this.promise(parties, provider)
    const order = { parties, provider, amount, signer: this.signer(parties.consumer) }
    if (this.rarely(2)) return { ...order, by: this.rarely(12) ? this.anybody() : parties.hub }
    const { now, settings } = this.money
    const { releasedUpTo } = tabOf(this.money, parties, provider)
    const longest = now + settings.maxGuarantee
    const guarantee = {
      ceiling: this.rarely(3) ? this.near(amount) : amount,
      expiresAt: this.one([
        longest,
        longest,
        longest,
        longest + 1,
        now,
        now + 1,
        releasedUpTo,
        releasedUpTo + 1,
      ]),
      signer: this.signer(parties.hub),
    }
    return { ...order, guarantee, by: this.rarely(3) ? this.anybody() : provider }
  }
  /** A hub promise to redeem, or only what waits. */
  redemption(hub = this.hub()): RedeemOrder {
    const provider = this.provider()
    if (this.rarely(3)) return { hub, provider, total: wei(0n) }
    const { credited, paid, promised } = accountOf(this.money, hub, provider)
    const { pool } = hubOf(this.money, hub)
    const stake = identityOf(this.money, hub).stake
    const total = this.rarely(150)
      ? largestAmount + 1n
      : this.one([
          credited,
          paid + this.near(pool / 4n),
          paid + this.near(pool),
          promised,
          paid + pool + this.near(stake / 4n),
        ])
    return { hub, provider, total: this.near(total), signer: this.signer(hub) }
  }
}
