import { type Address, type Hex, wei } from '@pontage/shared'
import { createIdentity, type Identity, keccak256, PrivateKey, type TypedData } from '@pontage/shared/node'

// Everybody of a benchmark follows from their numbers: the process that fills the ledger and the one that signs
// the papers need not tell each other.

/** How many providers there are, each with as many channels of its own. */
export interface Crowd {
  readonly providers: number
  readonly channelsEach: number
  /** Nothing was guaranteed on their channels yet. */
  readonly isNew?: boolean
}

/** Consumers, each with many channels. */
export const consumers = 64

const hash = (text: string): Hex => `0x${keccak256(Buffer.from(text)).toString('hex')}`
const person = (text: string): Identity => createIdentity(new PrivateKey(hash(text)))
const known = new Map<number, Identity>()

export const hubIdentity = (): Identity => person('bench hub')
export const providerAt = (index: number): Identity => person(`bench provider ${index}`)
export const channelAt = (index: number): Hex => hash(`bench channel ${index}`)

export function consumerOf(channel: number): Identity {
  const index = channel % consumers
  const consumer = known.get(index) ?? person(`bench consumer ${index}`)
  known.set(index, consumer)
  return consumer
}

/** Numbers of the channels of one provider. */
export const channelsOf = ({ channelsEach }: Crowd, provider: number): number[] =>
  Array.from({ length: channelsEach }, (_, index) => provider * channelsEach + index)

/** A consumer's total for a provider. */
export function promiseAt(typedData: TypedData, channel: number, provider: Address, total: bigint) {
  const channelId = channelAt(channel)
  const amount = wei(total)
  const { privateKey } = consumerOf(channel)
  return {
    channelId,
    amount,
    signature: typedData.sign('MicroPromise', { channelId, provider, amount }, privateKey),
  }
}
