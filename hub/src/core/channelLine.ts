import { type Address, type Hex, type Wei, wei } from '@pontage/shared'

/** What one channel holds for one provider, as the hub knows it. */
export interface Tab {
  readonly provider: Address
  /** Highest ceiling of the guarantees that can still be drawn under; zero when there is none. */
  readonly liveCeiling: Wei
  /** Ceiling of the newest guarantee, whether it is still live or not; zero when none was ever given. */
  readonly ceiling: Wei
  /** Latest expiry of any guarantee given; zero when none was. */
  readonly expiresAt: number
  /** The total that the hub's promise to the provider includes. */
  readonly cleared: Wei
  /** The promise a running protest presents; zero when none runs. */
  readonly protested: Wei
  /** When that protest may be settled; zero when none runs. */
  readonly protestEndsAt: number
  /** The total drawn on chain. */
  readonly drawn: Wei
}

/** One channel on the block that decisions are made on, with all its tabs. */
export interface ChannelLine {
  readonly channelId: Hex
  readonly consumer: Address
  readonly nonce: number
  readonly status: 'open' | 'closed' | 'none'
  readonly balance: Wei
  /** When its consumer may leave alone; zero while it has not asked to. */
  readonly exitAt: number
  /** Whether the hub has signed a final state: for ever. */
  readonly closing: boolean
  readonly tabs: readonly Tab[]
}

/** A tab with nothing on it. */
export const emptyTab = (provider: Address): Tab => ({
  provider,
  liveCeiling: wei(0n),
  ceiling: wei(0n),
  expiresAt: 0,
  cleared: wei(0n),
  protested: wei(0n),
  protestEndsAt: 0,
  drawn: wei(0n),
})

/** The provider's tab, an empty one if there is none yet. */
export const tabOf = (line: ChannelLine, provider: Address): Tab =>
  line.tabs.find((tab) => tab.provider === provider) ?? emptyTab(provider)
