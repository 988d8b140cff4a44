/** What a session's WireGuard packets travel by: UDP, or frames of a TLS websocket to the provider's payment port. */
export type CarrierName = 'udp' | 'wss'

/** What the user wants them to travel by. */
export const carrierWishes = ['auto', 'udp', 'wss'] as const
export type CarrierWish = (typeof carrierWishes)[number]

/** Which carrier worked in a network, and until when that counts, in Unix milliseconds: then UDP is tried again. */
export interface KnownCarrier {
  readonly carrier: CarrierName
  readonly until: number
}

/** How long a network is known to need `wss`: where UDP never came through, and where it stopped in mid-session. */
export const rememberMs = { neverCame: 86_400_000, stopped: 3_600_000 } as const

/**
 * The carrier to begin with.
 *
 * @param losesUdp - Whether this machine itself loses packets by UDP.
 */
export function firstCarrier(
  wish: CarrierWish,
  known: KnownCarrier | undefined,
  losesUdp: boolean,
  nowMs: number,
): CarrierName {
  if (wish !== 'auto') return wish
  if (losesUdp) return 'wss'
  return known !== undefined && known.until > nowMs ? known.carrier : 'udp'
}
