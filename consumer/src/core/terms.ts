import {
  type Address,
  type Document,
  freshnessSeconds,
  type Hex,
  type Price,
  type Refusal,
  refuse,
  type UnixSeconds,
  type Verdict,
} from '@pontage/shared'
import { acceptedPerHour } from './choose.js'
import type { Limits } from './limits.js'

/** What terms are measured against. */
export interface TermsLimits {
  readonly provider: Address
  readonly consumer: Address
  readonly channelId: Hex
  /** The price in force by the chain. */
  readonly price: Price
  readonly maxPrice: Limits['maxPrice']
  /** This machine's clock. */
  readonly now: UnixSeconds
}

/**
 * Judges a provider's terms, whose signature was checked before: for us, fresh, no dearer than the chain
 * says, and within the user's own limit. Never throws.
 */
export function judgeTerms(terms: Document<'SessionTerms'>, limits: TermsLimits): Verdict {
  const differs = (field: string, seen: unknown, expected: unknown): Refusal => ({
    code: 'terms-differ',
    field,
    seen: String(seen),
    expected: String(expected),
  })
  const { provider, consumer, channelId, price, maxPrice, now } = limits
  if (terms.provider !== provider) return refuse(differs('provider', terms.provider, provider))
  if (terms.consumer !== consumer) return refuse(differs('consumer', terms.consumer, consumer))
  if (terms.channelId !== channelId) return refuse(differs('channelId', terms.channelId, channelId))
  if (Math.abs(now - terms.issuedAt) > freshnessSeconds || now > terms.validUntil)
    return refuse({ code: 'stale-terms', issuedAt: terms.issuedAt, now })
  if (terms.pricePerMegabyte > price.perMegabyte)
    return refuse(differs('pricePerMegabyte', terms.pricePerMegabyte, price.perMegabyte))
  if (terms.pricePerHour > price.perHour)
    return refuse(differs('pricePerHour', terms.pricePerHour, price.perHour))
  const { perMegabyte } = maxPrice
  const perHour = acceptedPerHour(maxPrice)
  if (perMegabyte !== undefined && terms.pricePerMegabyte > perMegabyte)
    return refuse({ code: 'price-too-high', price: terms.pricePerMegabyte, limit: perMegabyte })
  if (terms.pricePerHour > perHour)
    return refuse({ code: 'hour-too-dear', price: terms.pricePerHour, limit: perHour })
  return { ok: true }
}
