import { type Price, priceOf, smaller } from '@pontage/shared'
import { readOffer } from '@pontage/shared/node'
import type { Components } from '../components.js'
import type { Settings } from '../settings.js'
import { publishedAt, readPublished } from './publish.js'

/** What we ask now. */
export interface PriceInForce {
  /** Undefined while there is no offer: then nobody new is served. */
  now(): Price | undefined
  /** Looks at the chain again: a raise takes effect, or the offer was withdrawn. */
  refresh(): Promise<void>
  /** Whether something was published since: consumers hold us to it at once. */
  isOutdated(): Promise<boolean>
}

/**
 * Follows the price that was published last, but never above what the chain says is in force: dearer terms would be
 * punished.
 */
export async function followPrice(
  { chain, identity }: Pick<Components, 'chain' | 'identity'>,
  { home, price, unlisted }: Settings,
): Promise<PriceInForce> {
  let inForce: Price | undefined
  let seen: number | undefined
  const refresh = async () => {
    seen = await publishedAt(home)
    const [offer, last] = await Promise.all([readOffer(chain, identity.address), readPublished(home)])
    // Not offered any more, a price that was once published is still held against dearer terms.
    if (unlisted) inForce = offer.issuedAt > 0 ? cheaper(price, priceOf(offer)) : price
    else inForce = offer.live ? cheaper(last ? priceOf(last) : price, priceOf(offer)) : undefined
  }
  await refresh()
  return { now: () => inForce, refresh, isOutdated: async () => (await publishedAt(home)) !== seen }
}

const cheaper = (asked: Price, inForce: Price): Price => ({
  perMegabyte: smaller(asked.perMegabyte, inForce.perMegabyte),
  perHour: smaller(asked.perHour, inForce.perHour),
})
