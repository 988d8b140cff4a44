import { Wallet } from 'ethers'
import { type Address, type Hex, type UnixSeconds, type Wei, wei } from '../../units.js'
import type { Identity } from '../signing/identity.js'
import type { Chain } from './chain.js'

/** An ERC-2612 permit: `spender` may take `value` of the signer's tokens, once, until `deadline`. */
export interface SignedPermit {
  readonly value: Wei
  readonly deadline: UnixSeconds
  /** r, s, v. */
  readonly signature: Hex
}

/** Signs with the token's own domain and the signer's present nonce, both read from the chain. */
export async function signPermit(
  chain: Chain,
  owner: Identity,
  spender: Address,
  value: Wei,
  deadline: UnixSeconds,
): Promise<SignedPermit> {
  const [name, nonce] = await Promise.all([chain.token.name(), chain.token.nonces(owner.address)])
  const domain = {
    name,
    version: '1',
    chainId: chain.deployment.chainId,
    verifyingContract: chain.deployment.token,
  }
  const fields = ['address owner', 'address spender', 'uint256 value', 'uint256 nonce', 'uint256 deadline']
  const types = {
    Permit: fields.map((field) => {
      const [type = '', name = ''] = field.split(' ')
      return { type, name }
    }),
  }
  const signature = await new Wallet(owner.privateKey.hex()).signTypedData(domain, types, {
    owner: owner.address,
    spender,
    value,
    nonce,
    deadline,
  })
  return { value: wei(value), deadline, signature: signature as Hex }
}

/** A permit as the contracts take it. */
export function permitArguments(permit: { value: bigint; deadline: number; signature: Hex }) {
  return {
    value: permit.value,
    deadline: permit.deadline,
    v: Number.parseInt(permit.signature.slice(130, 132), 16),
    r: permit.signature.slice(0, 66),
    s: `0x${permit.signature.slice(66, 130)}`,
  }
}
