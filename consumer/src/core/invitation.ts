import {
  type Address,
  type Document,
  type Hex,
  priceOf,
  type Signed,
  type UnixSeconds,
} from '@pontage/shared'
import { type Offer, type Standing, vpnService } from './choose.js'

const nobody = /^0x0{40}$/
const unknownKey: Hex = `0x${'00'.repeat(32)}`

/** Why an invitation is no use to an identity, as the end of a sentence; undefined where it may be. */
export function whyNotInvited(
  { consumer, expiresAt, hubs }: Pick<Document<'Invitation'>, 'consumer' | 'expiresAt' | 'hubs'>,
  self: Address,
  now: UnixSeconds,
): string | undefined {
  if (expiresAt <= now) return 'has expired'
  if (!nobody.test(consumer) && consumer !== self) return `is for ${consumer}`
  return hubs.length === 0 ? 'names no hub' : undefined
}

/** What an invitation offers, to be held against the chain like any offer: its price is the most that is paid. */
export const offerOf = (
  { consumer: _, path, expiresAt: __, signature: ___, ...offered }: Signed<'Invitation'>,
  standing: Standing,
): Offer => ({
  proposal: { ...offered, service: vpnService, wireguardKey: unknownKey },
  price: priceOf(offered),
  standing,
  path,
})
