import type { Address, Hex, Price } from '@pontage/shared'
import type { AddressPool } from '../../core/addressPool.js'
import type { OpenTerms } from '../../core/openTerms.js'
import type { HubLink } from '../../io/link/hubLink.js'
import type { Sessions } from '../metering/sessions.js'
import type { CreditLines } from '../promises/creditLines.js'
import type { Settings } from '../settings.js'
import type { Standings } from './standings.js'

/** What letting consumers in needs besides the components. */
export interface AdmissionContext {
  readonly settings: Settings
  readonly sessions: Sessions
  readonly lines: CreditLines
  readonly pool: AddressPool
  readonly standings: Standings
  readonly openTerms: OpenTerms
  /** 32 bytes that nobody else has: keys of lent tunnels follow from it. */
  readonly lendingSecret: Uint8Array
  readonly hubs: ReadonlyMap<string, HubLink>
  /** What a hub did that makes it unreliable, whatever the chain says of it. */
  readonly suspicion: (hub: Address) => string | undefined
  /** Where a consumer's end of a tunnel finds ours. */
  readonly tunnelEnd: () => TunnelEnd
  readonly maxGuaranteeSeconds: number
  /** Prices in force on chain: terms are never dearer. */
  readonly price: () => Price
}

export interface TunnelEnd {
  /** WireGuard's public key, in hexadecimal. */
  readonly publicKey: Hex
  /** UDP port as it is reached from outside. */
  readonly port: number
  readonly gateway4: string
  readonly gateway6: string
  /** Resolvers that stand behind the gateway. */
  readonly dns: string[]
  /** The largest packet that the tunnels take. */
  readonly mtu: number
  /** Port of the payment socket inside the tunnel. */
  readonly paymentPort: number
}
