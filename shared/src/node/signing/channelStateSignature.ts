import { type ChannelState, hashChannelState } from '../../channelState.js'
import type { Address, Hex } from '../../units.js'
import { createIdentity, type PrivateKey } from './identity.js'
import { keccak256 } from './keccak.js'
import { recoverDigest, signDigest } from './typedData.js'

// The state-channel library says what is signed. It would sign in JavaScript (elliptic, with an advisory that nobody
// mends), so the native curve signs instead: the same bytes, as the test shows.

/**
 * Signs a state as one of its parties.
 *
 * @returns r, low s, v (27 or 28): 65 bytes.
 * @throws RangeError when the key is not a party's.
 */
export async function signChannelState(state: ChannelState, privateKey: PrivateKey): Promise<Hex> {
  const { address } = createIdentity(privateKey)
  if (!isParty(state, address))
    throw new RangeError(`${address} is not a party to this channel: only its consumer and its hub sign it.`)
  return signDigest(await digestOf(state), privateKey)
}

/** Which party signed; undefined when none did or the signature is malformed (high s, v other than 27 or 28, wrong length). */
export async function recoverChannelState(state: ChannelState, signature: Hex): Promise<Address | undefined> {
  const signer = recoverDigest(await digestOf(state), signature)
  return signer !== undefined && isParty(state, signer) ? signer : undefined
}

const isParty = ({ parties }: ChannelState, who: Address) => who === parties.consumer || who === parties.hub

const messagePrefix = Buffer.from('\x19Ethereum Signed Message:\n32')

async function digestOf(state: ChannelState): Promise<Buffer> {
  const hash = Buffer.from((await hashChannelState(state)).slice(2), 'hex')
  return keccak256(Buffer.concat([messagePrefix, hash]))
}
