import type { Address, Hex } from '@pontage/shared'
import type { Ledger } from '../../io/ledger.js'

/** Tabs remembered; when there are more, all are forgotten and looked for again. */
const remembered = 200_000

/**
 * Tells promises on channels and tabs that exist from the others, before anybody recovers a signature: that costs more than
 * whoever sends junk is charged. What was found once needs no reading, so that clearing reads nothing twice.
 */
export class KnownTabs {
  readonly #known = new Set<string>()

  constructor(private readonly ledger: Pick<Ledger, 'channel'>) {}

  /** @returns Those of the promises whose signature is worth a look; what is wrong with the others is known without. */
  async among<Promised extends { readonly channelId: Hex }>(
    provider: Address,
    promises: readonly Promised[],
  ): Promise<readonly Promised[]> {
    const isKnown = ({ channelId }: Promised) => this.#known.has(keyOf(channelId, provider))
    const unknown = promises.filter((promise) => !isKnown(promise))
    if (unknown.length === 0) return promises
    if (this.#known.size > remembered) this.#known.clear()
    const lines = await Promise.all(promises.map(({ channelId }) => this.ledger.channel(channelId)))
    for (const line of lines)
      if (line?.tabs.some((tab) => tab.provider === provider))
        this.#known.add(keyOf(line.channelId, provider))
    return promises.filter(isKnown)
  }
}

const keyOf = (channelId: Hex, provider: Address): string => `${channelId}${provider}`
