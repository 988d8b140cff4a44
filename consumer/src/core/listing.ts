import { type Bytes, owedFor, type Price, type Wei } from '@pontage/shared'
import { cheapestFirst, type ExpectedUse, isTooDear, type Offer } from './choose.js'
import type { Limits } from './limits.js'
import { betterFirst, type Quality } from './quality.js'

/** An offer with what is known of how it went with whoever makes it. */
export interface Rated extends Offer {
  readonly quality: Quality
}

/** An offer with what else is known of who makes it. */
export interface Listed extends Rated {
  /** Paid out to the provider so far, through the hubs that its offer names. */
  readonly redeemed: Wei
  /** Milliseconds to its endpoint and back; undefined where it does not answer, null where nobody asked. */
  readonly latencyMs: number | undefined | null
}

export const orders = ['price', 'latency', 'quality'] as const
export type Order = (typeof orders)[number]

/** Whether an offer is in this country; any is where none was named. */
export const isIn = ({ country }: Offer['proposal'], wished: string | undefined): boolean =>
  wished === undefined || country.toLowerCase() === wished.toLowerCase()

/** Offers in this country and not dearer than that. */
export const wanted = <Each extends Offer>(
  offers: readonly Each[],
  wishes: { country: string | undefined; maxPrice: Limits['maxPrice'] },
): Each[] =>
  offers.filter(({ proposal, price }) => isIn(proposal, wishes.country) && !isTooDear(price, wishes.maxPrice))

/** The best first; equally good ones the cheapest first, and all of them where nobody asked for what they are sorted by. */
export function sorted<Each extends Rated & Partial<Pick<Listed, 'latencyMs'>>>(
  offers: readonly Each[],
  by: Order,
  use: ExpectedUse,
): Each[] {
  const byPrice = cheapestFirst(use)
  const compare: Record<Order, (a: Each, b: Each) => number> = {
    price: () => 0,
    latency: (a, b) => (a.latencyMs ?? Number.MAX_VALUE) - (b.latencyMs ?? Number.MAX_VALUE),
    quality: (a, b) => betterFirst(a.quality, b.quality),
  }
  return [...offers].sort((a, b) => compare[by](a, b) || byPrice(a, b))
}

/** What the expected use costs: its traffic, and its time. */
export const costOf = ({ bytes, seconds }: ExpectedUse, price: Price): { traffic: Wei; time: Wei } => ({
  traffic: owedFor(bytes, 0n, price),
  time: owedFor(0n as Bytes, seconds, price),
})
