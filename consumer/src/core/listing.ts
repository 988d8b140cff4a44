import { type Bytes, owedFor, type Price, type Wei } from '@pontage/shared'
import { cheapestFirst, type ExpectedUse, isTooDear, type Offer } from './choose.js'
import type { Limits } from './limits.js'
import { betterFirst, type Quality } from './quality.js'

/** An offer with what else is known of who makes it. */
export interface Listed extends Offer {
  /** Paid out to the provider so far, through the hubs that its offer names. */
  readonly redeemed: Wei
  /** Milliseconds to its endpoint and back; undefined where it does not answer, null where nobody asked. */
  readonly latencyMs: number | undefined | null
  readonly quality: Quality
}

export const orders = ['price', 'latency', 'quality'] as const
export type Order = (typeof orders)[number]

/** Offers in this country and not dearer than that. */
export const wanted = <Each extends Offer>(
  offers: readonly Each[],
  wishes: { country: string | undefined; maxPrice: Limits['maxPrice'] },
): Each[] =>
  offers.filter(
    ({ proposal, price }) =>
      (wishes.country === undefined || proposal.country.toLowerCase() === wishes.country.toLowerCase()) &&
      !isTooDear(price, wishes.maxPrice),
  )

/** The best first; equally good ones the cheapest first. */
export function sorted(offers: readonly Listed[], by: Order, use: ExpectedUse): Listed[] {
  const byPrice = cheapestFirst(use)
  const compare: Record<Order, (a: Listed, b: Listed) => number> = {
    price: () => 0,
    latency: (a, b) => {
      const [one, other] = [a, b].map(({ latencyMs }) => latencyMs ?? Number.MAX_VALUE) as [number, number]
      return one - other
    },
    quality: (a, b) => betterFirst(a.quality, b.quality),
  }
  return [...offers].sort((a, b) => compare[by](a, b) || byPrice(a, b))
}

/** What the expected use costs: its traffic, and its time. */
export const costOf = ({ bytes, seconds }: ExpectedUse, price: Price): { traffic: Wei; time: Wei } => ({
  traffic: owedFor(bytes, 0n, price),
  time: owedFor(0n as Bytes, seconds, price),
})
