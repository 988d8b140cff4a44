import { type Address, type Hex, netOf, wei } from '@pontage/shared'

/** Amounts of each provider out of each channel; they only grow. */
class Totals {
  readonly #amounts = new Map<Hex, Map<Address, bigint>>()

  of(channelId: Hex, provider: Address): bigint {
    return this.#amounts.get(channelId)?.get(provider) ?? 0n
  }

  raise(channelId: Hex, provider: Address, amount: bigint): void {
    const row = this.#amounts.get(channelId) ?? new Map<Address, bigint>()
    this.#amounts.set(channelId, row)
    if (amount > (row.get(provider) ?? 0n)) row.set(provider, amount)
  }

  inChannel(channelId: Hex): bigint {
    return [...(this.#amounts.get(channelId)?.values() ?? [])].reduce((sum, amount) => sum + amount, 0n)
  }

  /** What a provider is owed for all its channels, less the hub's fee on each. */
  net(provider: Address, feeBps: number): bigint {
    return [...this.#amounts.values()].reduce(
      (sum, row) => sum + netOf(wei(row.get(provider) ?? 0n), feeBps),
      0n,
    )
  }
}

/** What everybody outside the hub knows, and what must hold of it whenever the hub answers. */
export class Books {
  /** The largest promise handed to the hub, answered or not. */
  readonly promised = new Totals()
  /** The largest promise that the hub has answered for. */
  readonly answered = new Totals()
  /** The highest ceiling signed. */
  readonly guaranteed = new Totals()
  readonly totals = new Map<Address, { total: bigint; signature: Hex }>()
  readonly broken: string[] = []
  answers = 0

  constructor(
    private readonly feeBps: number,
    private readonly deposits: ReadonlyMap<Hex, bigint>,
  ) {}

  cleared(
    provider: Address,
    promises: readonly { channelId: Hex; amount: bigint }[],
    total: bigint,
    signature: Hex,
  ): void {
    this.answers++
    for (const { channelId, amount } of promises) this.answered.raise(channelId, provider, amount)
    const before = this.totals.get(provider)?.total ?? 0n
    if (total < before) this.broken.push(`${provider}: total ${total} after ${before} had left the hub`)
    const most = this.promised.net(provider, this.feeBps)
    if (total > most) this.broken.push(`${provider}: credited ${total} for promises worth ${most}`)
    const least = this.answered.net(provider, this.feeBps)
    if (total < least) this.broken.push(`${provider}: total ${total} for answered promises worth ${least}`)
    this.totals.set(provider, { total, signature })
  }

  guarantee(channelId: Hex, provider: Address, ceiling: bigint): void {
    this.answers++
    this.guaranteed.raise(channelId, provider, ceiling)
    const sum = this.guaranteed.inChannel(channelId)
    const deposit = this.deposits.get(channelId) ?? 0n
    if (sum > deposit) this.broken.push(`${channelId}: guaranteed ${sum} of ${deposit}`)
  }
}

/** Numbers that look random and repeat with their seed (mulberry32): 0 ≤ n < 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
