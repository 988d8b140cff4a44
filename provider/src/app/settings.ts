import type { Address, Bytes, Price, Wei } from '@pontage/shared'
import type { AccessPolicy } from '../core/accessPolicy.js'
import type { BandwidthLimits } from '../core/bandwidth.js'
import type { RedeemRule } from '../core/redeemPolicy.js'
import type { CoinPriceSource } from '../io/chain/coinPrice.js'
import type { CertificateFiles } from '../io/link/certificateFiles.js'

/** How one provider serves, every text already read. */
export interface Settings {
  readonly home: string
  /** Where consumers connect; the port is TCP. */
  readonly endpoint: { readonly host: string; readonly port: number }
  /** Address and port to listen on; the port differs from the endpoint's only behind a port mapping. */
  readonly listen: { readonly host: string; readonly port: number }
  readonly wireguardPort: number
  /** PEM files of a certificate and its key, which may be renewed; undefined: one of our own. */
  readonly tls: CertificateFiles | undefined
  /** Folder of the pages that strangers are shown; undefined: a plain site. */
  readonly front: string | undefined
  /** Whether nothing is published, and only those who are invited find us. */
  readonly unlisted: boolean
  /** Whether the router is asked to hand on the ports; `auto`: where this machine is behind one that translates. */
  readonly portMapping: 'auto' | 'on' | 'off'
  /** Loopback port of the metrics; undefined: none. */
  readonly metricsPort: number | undefined
  /** Coin below which its owner is warned, in the chain's smallest unit. */
  readonly gasWarnBelow: bigint
  /** Whether an offer is published only if a hub reaches our ports. */
  readonly reachCheck: boolean
  readonly price: Price
  readonly country: string
  readonly hubs: readonly Address[]
  readonly exitPolicy: string
  readonly access: AccessPolicy
  readonly uplink: string | undefined
  readonly subnet4: string
  readonly subnet6: string
  readonly resolvers: readonly string[]
  /** Most that is forwarded ahead of payment; zero where everybody pays ahead. */
  readonly creditBytes: Bytes
  readonly limits: BandwidthLimits
  /** What a guarantee should allow for, on top of what was promised before. */
  readonly ceilingBytes: Bytes
  readonly graceSeconds: number
  /** Silence in the tunnel after which a consumer counts as gone. */
  readonly goneAfterSeconds: number
  /** How long no traffic may pass before the offer is withdrawn. */
  readonly withdrawAfterSeconds: number
  readonly clearEverySeconds: number
  readonly maxSessions: number
  readonly redeem: RedeemRule
  readonly coinPrice: CoinPriceSource
  /** Most that may be promised under one hub and not drawn yet. */
  readonly exposure: { readonly each: Wei; readonly of: ReadonlyMap<Address, Wei> }
}

/** What the owner is told of when everything is examined. */
export type Examined = Pick<
  Settings,
  | 'home'
  | 'endpoint'
  | 'listen'
  | 'wireguardPort'
  | 'unlisted'
  | 'hubs'
  | 'uplink'
  | 'subnet4'
  | 'subnet6'
  | 'resolvers'
>

export const examinedOf = (settings: Settings): Examined => {
  const { home, endpoint, listen, wireguardPort, unlisted, hubs } = settings
  const { uplink, subnet4, subnet6, resolvers } = settings
  return { home, endpoint, listen, wireguardPort, unlisted, hubs, uplink, subnet4, subnet6, resolvers }
}

/** The limit that holds for a hub: its own, or that of all. */
export const exposureLimit = ({ exposure }: Pick<Settings, 'exposure'>, hub: Address): Wei =>
  exposure.of.get(hub) ?? exposure.each
