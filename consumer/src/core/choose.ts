import {
  type Address,
  type Bytes,
  countOf,
  type Document,
  owedFor,
  type Price,
  type UnixSeconds,
  type Wei,
} from '@pontage/shared'
import type { Limits } from './limits.js'

/** What the chain says of an identity. */
export interface Standing {
  /** Whether it has stake enough for its role, and no debt. */
  readonly active: boolean
  readonly stake: Wei
  readonly faults: number
  readonly debt: Wei
  /** When it registered first. */
  readonly registeredAt: UnixSeconds
}

/** A provider as the chain shows it. */
export interface Offer {
  readonly proposal: Document<'Proposal'>
  /** The price in force now; the proposal may hold one that comes later. */
  readonly price: Price
  readonly standing: Standing
  /** The path at its endpoint that an invitation names; left out: the one that every reader of the offer knows. */
  readonly path?: string
}

/** What the user asked for; what is left out is not asked for. */
export interface Wishes {
  readonly provider?: Address | undefined
  readonly country?: string | undefined
  readonly maxPrice?: Limits['maxPrice']
  readonly hub?: Address | undefined
}

/** What one expects to use: offers are compared by what this costs, traffic and time together. */
export interface ExpectedUse {
  readonly bytes: Bytes
  readonly seconds: bigint
}

/** An offer that will not do, and the first reason why. */
export interface Unfit {
  readonly offer: Offer
  readonly reason: string
}

export interface Choice {
  readonly chosen: { readonly offer: Offer; readonly hub: Address } | undefined
  /** Offers that would do as well, dearer ones later. */
  readonly others: readonly Offer[]
  readonly unfit: readonly Unfit[]
}

/**
 * Picks the cheapest sound offer: a provider with stake, without fault or debt, within the wishes, that takes
 * a hub we can pay through. Of equally cheap ones the one with the larger stake, then the lower address.
 *
 * @param hubs - Hubs through which payment is possible, the preferred first.
 * @param use - What the offers are compared by.
 */
export function choose(
  offers: readonly Offer[],
  wishes: Wishes,
  hubs: readonly Address[],
  use: ExpectedUse,
): Choice {
  const judged = offers.map((offer) => ({ offer, reason: whyNot(offer, wishes, hubs) }))
  const sound = judged
    .filter(({ reason }) => reason === undefined)
    .map(({ offer }) => offer)
    .sort(cheapestFirst(use))
  const [offer, ...others] = sound
  const hub = hubs.find((each) => offer?.proposal.hubs.includes(each))
  return {
    chosen: offer && hub ? { offer, hub } : undefined,
    others,
    unfit: judged.flatMap(({ offer, reason }) => (reason === undefined ? [] : [{ offer, reason }])),
  }
}

/** More than these are counted by their reason, and not named. */
const maxNamed = 3

/** Why no offer will do, in one sentence, however many there are. */
export function whyNoneFits(unfit: readonly Unfit[]): string {
  if (unfit.length === 0) return 'There is no provider.'
  const counted = new Map<string, number>()
  for (const { reason } of unfit) counted.set(reason, (counted.get(reason) ?? 0) + 1)
  const reasons =
    unfit.length <= maxNamed
      ? unfit.map(({ offer, reason }) => `${offer.proposal.provider}: ${reason}`)
      : [...counted].map(([reason, count]) => `${count} of them: ${reason}`)
  const who = unfit.length === 1 ? 'The only provider is not' : `None of the ${unfit.length} providers is`
  return `${who} suitable (${reasons.join('; ')}).`
}

/** Orders offers by what the expected use costs; a price for time counts as much as one for traffic. */
export const cheapestFirst =
  ({ bytes, seconds }: ExpectedUse) =>
  (a: Offer, b: Offer): number =>
    compare(owedFor(bytes, seconds, a.price), owedFor(bytes, seconds, b.price)) ||
    compare(b.standing.stake, a.standing.stake) ||
    compare(a.proposal.provider, b.proposal.provider)

/** Why a provider is not dealt with, whatever was wished for; undefined when it is sound. */
export function whyUnsound({ standing }: Offer): string | undefined {
  if (standing.debt > 0n) return 'it is in debt for a promise it did not keep'
  if (standing.faults > 0) return `it has ${countOf(standing.faults, 'fault')} on chain`
  if (!standing.active) return 'its stake is below the minimum'
  return undefined
}

function whyNot(offer: Offer, wishes: Wishes, hubs: readonly Address[]): string | undefined {
  const { proposal, price } = offer
  if (wishes.provider !== undefined && proposal.provider !== wishes.provider)
    return 'a different one was chosen'
  if (proposal.service !== vpnService) return `it sells "${proposal.service}"`
  const unsound = whyUnsound(offer)
  if (unsound !== undefined) return unsound
  if (wishes.country !== undefined && proposal.country.toLowerCase() !== wishes.country.toLowerCase())
    return `it is in ${proposal.country}`
  if (price.perHour > acceptedPerHour(wishes.maxPrice))
    return wishes.maxPrice?.perHour === undefined
      ? 'it charges by the hour, which is refused unless --max-price allows it, such as 0.01/h'
      : 'it is above the price limit'
  if (isTooDear(price, wishes.maxPrice)) return 'it is above the price limit'
  if (!hubs.some((hub) => proposal.hubs.includes(hub)))
    return 'it accepts none of the hubs we can pay through'
  return undefined
}

/** Whether a price is above what the user takes. */
export const isTooDear = (price: Price, { perMegabyte, perHour }: Limits['maxPrice'] = {}): boolean =>
  (perMegabyte !== undefined && price.perMegabyte > perMegabyte) ||
  (perHour !== undefined && price.perHour > perHour)

/** Most that is paid for an hour: nothing unless the user set a limit, since time costs without any traffic. */
export const acceptedPerHour = ({ perHour }: Limits['maxPrice'] = {}): bigint => perHour ?? 0n

/** The `service` of a proposal for WireGuard tunnels. */
export const vpnService = 'wireguard'

const compare = <Value extends bigint | string>(a: Value, b: Value): number => (a < b ? -1 : a > b ? 1 : 0)
