import {
  type Address,
  type ChannelParties,
  channelIdOf,
  type Hex,
  money,
  type UnixSeconds,
} from '@pontage/shared'
import { deployment, moneySettings } from './deployment.js'

/** A provider's offer as the marketplace keeps it. */
export interface Offer {
  readonly live: boolean
  readonly issuedAt: number
  readonly pricePerMegabyte: bigint
  readonly pricePerHour: bigint
}

/** All that the contracts store. Never changed in place: each block keeps the one it ended with. */
export interface ChainState {
  readonly money: money.Money
  /** Parties by the id of their channel, for those that were ever named. */
  readonly parties: ReadonlyMap<Hex, ChannelParties>
  readonly urls: ReadonlyMap<Address, string>
  readonly registeredAt: ReadonlyMap<Address, number>
  /** Documents of the registry that were used, by identity. */
  readonly registryNonces: ReadonlyMap<Address, bigint>
  readonly permitNonces: ReadonlyMap<Address, bigint>
  /** By owner and spender. */
  readonly allowances: ReadonlyMap<string, bigint>
  readonly offers: ReadonlyMap<Address, Offer>
  /** Of accounts, as any chain counts them. */
  readonly nonces: ReadonlyMap<Address, number>
}

export const beginState = (now: UnixSeconds, wallets: Iterable<[Address, bigint]>): ChainState => ({
  money: money.mint(moneySettings, now, wallets as Iterable<[Address, never]>),
  parties: new Map(),
  urls: new Map(),
  registeredAt: new Map(),
  registryNonces: new Map(),
  permitNonces: new Map(),
  allowances: new Map(),
  offers: new Map(),
  nonces: new Map(),
})

export const put = <Key, Value>(
  map: ReadonlyMap<Key, Value>,
  key: Key,
  value: Value,
): ReadonlyMap<Key, Value> => new Map(map).set(key, value)

/** The state in which a channel's id is known by name. */
export function naming(state: ChainState, parties: ChannelParties): ChainState {
  const id = idOf(parties)
  return state.parties.has(id) ? state : { ...state, parties: put(state.parties, id, parties) }
}

const ids = new Map<string, Hex>()

/** The id of a channel on this chain. */
export function idOf(parties: ChannelParties): Hex {
  const key = money.channelKey(parties)
  const id = ids.get(key) ?? channelIdOf(deployment, parties)
  ids.set(key, id)
  return id
}
