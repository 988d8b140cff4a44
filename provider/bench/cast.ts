import { randomBytes } from 'node:crypto'
import { type Address, type ChannelParties, channelIdOf, type Deployment, type Hex } from '@pontage/shared'
import { createIdentity, createTypedData, type Identity, PrivateKey } from '@pontage/shared/node'

/** Contracts that are only named: what is signed depends on them, and nothing is asked of a chain. */
export const deployment: Deployment = {
  chainId: 31_337,
  token: filled('10'),
  registry: filled('11'),
  channels: filled('12'),
  marketplace: filled('13'),
  fromBlock: 0,
}

export const hub: Address = filled('20')
export const typedData = createTypedData(deployment)
export const newIdentity = (): Identity => createIdentity(new PrivateKey(randomBytes(32).toString('hex')))

/** A consumer with a channel of its own. */
export interface Payer {
  readonly identity: Identity
  readonly parties: ChannelParties
  readonly channelId: Hex
}

export function newPayer(nonce: number): Payer {
  const identity = newIdentity()
  const parties = { consumer: identity.address, hub, nonce }
  return { identity, parties, channelId: channelIdOf(deployment, parties) }
}

function filled(byte: string): Address {
  return `0x${byte.repeat(20)}` as Address
}
