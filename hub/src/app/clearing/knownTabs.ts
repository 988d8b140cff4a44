import type { Address, Hex } from '@pontage/shared'
import type { Ledger } from '../../io/ledger.js'

/** Tabs remembered; when there are more, all are forgotten and looked for again. */
const remembered = 200_000

/**
 * Tells promises on channels and tabs that exist from the others, before anybody recovers a signature: that costs more than
 * whoever sends junk is charged. What was found once needs no reading, so that clearing reads nothing twice.
 */
export class KnownTabs {
  /** Of each provider, the channels. */
  readonly #known = new Map<Address, Set<Hex>>()
  #size = 0

  constructor(private readonly ledger: Pick<Ledger, 'channelsWithTab'>) {}

  /** @returns Those of the promises whose signature is worth a look; what is wrong with the others is known without. */
  async among<Promised extends { readonly channelId: Hex }>(
    provider: Address,
    promises: readonly Promised[],
  ): Promise<readonly Promised[]> {
    const known = this.#known.get(provider) ?? new Set()
    const unknown = promises.map(({ channelId }) => channelId).filter((channelId) => !known.has(channelId))
    if (unknown.length === 0) return promises
    const found = new Set(await this.ledger.channelsWithTab(provider, unknown))
    this.#remember(provider, found)
    return promises.filter(({ channelId }) => known.has(channelId) || found.has(channelId))
  }

  #remember(provider: Address, channels: ReadonlySet<Hex>): void {
    if (channels.size === 0) return
    if (this.#size > remembered) {
      this.#known.clear()
      this.#size = 0
    }
    const known = this.#known.get(provider) ?? new Set()
    this.#known.set(provider, known)
    for (const channelId of channels) {
      if (!known.has(channelId)) this.#size++
      known.add(channelId)
    }
  }
}
