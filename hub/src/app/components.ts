import type { Clock, Wei } from '@pontage/shared'
import type { Chain, DurableSender, Identity, Log, TypedData } from '@pontage/shared/node'
import type { Rules } from '../core/rules.js'
import type { ChainWatch } from '../io/chain/chainWatch.js'
import type { Standings } from '../io/chain/standings.js'
import type { Ledger } from '../io/ledger.js'
import type { Signers } from '../io/signing/signers.js'
import type { Stamps } from '../io/signing/stamps.js'
import type { KnownTabs } from './clearing/knownTabs.js'
import type { ConnectedPeers } from './connectedPeers.js'

/** What the operator decides. */
export interface HubSettings {
  /** Fee for sending somebody's transaction, in wei of the token. */
  readonly relayFee: Wei
  /** Lifetime of the guarantees it signs. */
  readonly guaranteeSeconds: number
  /** Wei undrawn in all, from which a draw is worth its gas. */
  readonly drawAbove: Wei
  /** Transactions relayed per day for one identity. */
  readonly relaysPerDay: number
  /** Transactions relayed per day for everybody together. */
  readonly relaysPerDayInAll: number
  /** Transactions sent for one network address in a day; any number while undefined. */
  readonly relaysPerDayPerAddress?: number
  /** Wei of the token that one of the chain's coin costs; what gas costs is not looked at while undefined or 0. */
  readonly coinPrice?: Wei
  /** What of the pool is to be left when every provider redeemed; below that, the hub warns. */
  readonly poolWarnBelow?: Wei
  /** Of the chain's coin, in its smallest unit: below that, the hub warns. */
  readonly gasWarnBelow: bigint
  /** Seconds the hub goes on serving after it was told to stop, while it says that it is no longer ready. */
  readonly drainSeconds: number
  /** Whether metrics are shown to other machines too. */
  readonly publicMetrics: boolean
  /** Seconds between publications of what the hub owes; none while undefined or 0. */
  readonly liabilitiesEverySeconds?: number
  /** Milliseconds between reads of the chain. */
  readonly pollMs: number
}

/** What everything that the hub does is built on. */
export interface Components {
  /** Folder for what only saves time; undefined where there is none. */
  readonly home: string | undefined
  readonly identity: Identity
  readonly typedData: TypedData
  readonly chain: Chain
  readonly sender: DurableSender
  readonly ledger: Ledger
  readonly signers: Signers
  readonly stamps: Stamps
  readonly watch: ChainWatch
  readonly standings: Standings
  readonly rules: Rules
  readonly clock: Clock
  readonly log: Log
  readonly settings: HubSettings
  readonly knownTabs: KnownTabs
  readonly peers: ConnectedPeers
}
