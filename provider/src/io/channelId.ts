import type { ChannelParties, Hex } from '@pontage/shared'
import { keccak256 } from '@pontage/shared/node'

/** The id of a channel: keccak of `abi.encode(uint256 chainId, address[] participants, uint256 nonce)`. */
export function channelIdOf(chainId: number, { consumer, hub, nonce }: ChannelParties): Hex {
  const word = (value: bigint | number) => value.toString(16).padStart(64, '0')
  const participants = [consumer, hub].map((address) => address.slice(2).padStart(64, '0'))
  const encoded = [word(chainId), word(0x60), word(nonce), word(2), ...participants].join('')
  return `0x${keccak256(Buffer.from(encoded, 'hex')).toString('hex')}`
}
