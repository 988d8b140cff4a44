import {
  type Address,
  type ChannelParties,
  channelIdOf,
  type Deployment,
  type Hex,
  money,
} from '@pontage/shared'
import { createIdentity, type Identity, keccak256, PrivateKey } from '@pontage/shared/node'

const person = (name: string): Identity =>
  createIdentity(new PrivateKey(keccak256(Buffer.from(`pontage differential ${name}`)).toString('hex')))

const byAddress = (a: Identity, b: Identity) => (a.address < b.address ? -1 : 1)
const people = (kind: string, count: number): Identity[] =>
  Array.from({ length: count }, (_, index) => person(`${kind} ${index}`)).sort(byAddress)

const consumers = people('consumer', 3)
// In order of address, as final states list them.
const providers = people('provider', 3)
const hubs = people('hub', 2)
const addresses = (identities: readonly Identity[]) => identities.map(({ address }) => address)

/** Who plays. */
export const cast: money.Cast = {
  consumers: addresses(consumers),
  providers: addresses(providers),
  hubs: addresses(hubs),
}

/** Somebody without a part, who carries what anybody may carry. */
export const carrier = person('carrier')
const keys = new Map([...consumers, ...providers, ...hubs, carrier].map((each) => [each.address, each]))
export const everybody: readonly Address[] = [...keys.keys()]

/** The key of one of them. */
export function keyOf(address: Address): PrivateKey {
  const identity = keys.get(address)
  if (!identity) throw new Error(`${address} takes no part here.`)
  return identity.privateKey
}

/** Every channel that a play can open. */
export const channels: readonly ChannelParties[] = cast.consumers.flatMap((consumer) =>
  cast.hubs.flatMap((hub) => [0, 1].map((nonce) => ({ consumer, hub, nonce }))),
)

/** The ids of those channels on one deployment, by what the model calls them. */
export function idsOf({ chainId }: Deployment): ReadonlyMap<string, Hex> {
  return new Map(channels.map((parties) => [money.channelKey(parties), channelIdOf({ chainId }, parties)]))
}
