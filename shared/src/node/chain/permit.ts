import { Contract, id, TypedDataEncoder, Wallet } from 'ethers'
import { type Address, type Hex, type UnixSeconds, unixSeconds, type Wei, wei } from '../../units.js'
import { UserError } from '../program/userError.js'
import type { Identity } from '../signing/identity.js'
import type { Chain } from './chain.js'

/** An ERC-2612 permit: `spender` may take `value` of the signer's tokens, once, until `deadline`. */
export interface SignedPermit {
  readonly value: Wei
  readonly deadline: UnixSeconds
  /** r, s, v; zeros where the spender may take that much already. */
  readonly signature: Hex
}

/** Name and version under which a token wants to see permits signed. */
interface PermitDomain {
  readonly name: string
  readonly version: string
  readonly chainId: number
  readonly verifyingContract: Address
}

type TokenChain = Pick<Chain, 'rpc' | 'deployment'>

const tokenQuestions = [
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function nonces(address) view returns (uint256)',
  'function DOMAIN_SEPARATOR() view returns (bytes32)',
  'function PERMIT_TYPEHASH() view returns (bytes32)',
  'function eip712Domain() view returns (bytes1, string name, string version, uint256, address, bytes32, uint256[])',
]
const fields = ['address owner', 'address spender', 'uint256 value', 'uint256 nonce', 'uint256 deadline']
const types = {
  Permit: fields.map((field) => {
    const [type = '', name = ''] = field.split(' ')
    return { type, name }
  }),
}

/**
 * The domain of the token's permits, as it gives it itself (EIP-5267, `version`), held against its domain separator.
 *
 * @returns undefined for a token without permits of ERC-2612: with none at all, or others, such as DAI's.
 */
async function readPermitDomain({ rpc, deployment }: TokenChain): Promise<PermitDomain | undefined> {
  const token = new Contract(deployment.token, tokenQuestions, rpc)
  const ask = <Answer>(question: string, ...given: unknown[]): Promise<Answer | undefined> =>
    token
      .getFunction(question)
      .staticCall(...given)
      .catch((error: { code?: string }) => {
        // What the token does not know reverts, or answers nothing; a node that fails is another matter.
        if (error.code === 'CALL_EXCEPTION' || error.code === 'BAD_DATA') return undefined
        throw error
      })
  const [separator, typeHash, nonce, name, version, described] = await Promise.all([
    ask<string>('DOMAIN_SEPARATOR'),
    ask<string>('PERMIT_TYPEHASH'),
    ask<bigint>('nonces', deployment.token),
    ask<string>('name'),
    ask<string>('version'),
    ask<{ name: string; version: string }>('eip712Domain'),
  ])
  const isOther = typeHash !== undefined && typeHash !== permitTypeHash
  if (separator === undefined || nonce === undefined || isOther) return undefined
  const { chainId, token: verifyingContract } = deployment
  const names = [described?.name, name]
  const versions = [described?.version, version, '1', '2']
  for (const each of names)
    for (const one of versions) {
      if (each === undefined || one === undefined) continue
      const domain = { name: each, version: one, chainId, verifyingContract }
      if (TypedDataEncoder.hashDomain(domain) === separator) return domain
    }
  return undefined
}

const permitTypeHash = id(TypedDataEncoder.from(types).encodeType('Permit'))

/** How somebody lets a contract take tokens without sending a transaction. */
type Allowing =
  | { readonly by: 'permit'; readonly domain: PermitDomain }
  /** It may already. */
  | { readonly by: 'allowance' }
  /** Only by a transaction of the owner's: the token has no permits of ERC-2612. */
  | { readonly by: 'transaction' }

/** How the owner can let `spender` take `value`. */
export async function readAllowing(
  chain: Pick<Chain, 'rpc' | 'deployment' | 'token'>,
  owner: Address,
  spender: Address,
  value: Wei,
): Promise<Allowing> {
  const domain = await readPermitDomain(chain)
  if (domain !== undefined) return { by: 'permit', domain }
  return (await chain.token.allowance(owner, spender)) >= value ? { by: 'allowance' } : { by: 'transaction' }
}

/**
 * Signs with the token's own domain and the signer's present nonce, both read from the chain. Nothing is signed where the
 * spender may take that much already.
 *
 * @throws UserError when the token has no permits and the spender may not.
 */
export async function signPermit(
  chain: Pick<Chain, 'rpc' | 'deployment' | 'token'>,
  owner: Identity,
  spender: Address,
  value: Wei,
  deadline: UnixSeconds,
): Promise<SignedPermit> {
  const allowing = await readAllowing(chain, owner.address, spender, value)
  if (allowing.by === 'allowance') return { value: wei(0n), deadline: unixSeconds(0), signature: noSignature }
  if (allowing.by === 'transaction') throw new UserError(noPermits(owner.address))
  const nonce = await chain.token.nonces(owner.address)
  const signature = await new Wallet(owner.privateKey.hex()).signTypedData(allowing.domain, types, {
    owner: owner.address,
    spender,
    value,
    nonce,
    deadline,
  })
  return { value: wei(value), deadline, signature: signature as Hex }
}

const noSignature: Hex = `0x${'00'.repeat(65)}`

/** What to do about a token that only its owner's transactions move. */
export const noPermits = (owner: Address): string =>
  `The token has no permits (ERC-2612), so it takes a transaction of your own to allow the contract to use it. Send ${owner} a little of the chain’s coin for gas, and run this again.`

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
