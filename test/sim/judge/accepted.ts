import type { Hex } from '@pontage/shared'

/** The highest totals that providers confirmed, and had stored before. */
export class Accepted {
  readonly #totals = new Map<string, Map<Hex, bigint>>()

  /** @param ownerOf - Whose channel it is; undefined for one that the chain does not know. */
  constructor(private readonly ownerOf: (channel: Hex) => string | undefined) {}

  note(provider: string, channel: Hex, amount: bigint): void {
    const known = this.#totals.get(provider) ?? new Map<Hex, bigint>()
    this.#totals.set(provider, known)
    if (amount > (known.get(channel) ?? 0n)) known.set(channel, amount)
  }

  on = (provider: string, channel: Hex): bigint => this.#totals.get(provider)?.get(channel) ?? 0n

  /** From whomever, by channel. */
  by = (provider: string): bigint[] => [...(this.#totals.get(provider)?.values() ?? [])]

  /** From one identity, on all of its channels. */
  of = (provider: string, identity: string): bigint =>
    [...(this.#totals.get(provider) ?? [])]
      .filter(([channel]) => this.ownerOf(channel) === identity)
      .reduce((sum, [, amount]) => sum + amount, 0n)
}
