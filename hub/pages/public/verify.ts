import { keccak256, recoverAddress, TypedDataEncoder } from 'ethers'
import { type Document, documents, solidityType } from '../../../shared/src/documents.js'
import { hubRequests } from '../../../shared/src/hubRequests.js'
import { type SumProof, sumTrees } from '../../../shared/src/sumTree.js'
import { address, type Hex } from '../../../shared/src/units.js'
import type { About } from './ask.js'

const { provesSum } = sumTrees((data) => keccak256(data) as Hex)

/** Whether what a hub shows of one provider holds, each step computed here. */
export interface Verified {
  readonly liabilities: Document<'Liabilities'>
  /** Undefined where the hub shows no leaf: it says that it owes this provider nothing. */
  readonly proof: SumProof | undefined
  /** Whether the leaf is this provider's. */
  readonly isTheirs: boolean
  /** Whether hashing the leaf with what stands beside its way leads to exactly the root and the sum. */
  readonly leads: boolean
  /** Whether the hub that says so signed root, sum, pool and block. */
  readonly isSigned: boolean
}

/**
 * Computes everything of an answer of `/liabilities/leaf` again.
 *
 * @param provider - Whose leaf was asked for.
 * @returns undefined for what is no such answer
 */
export function verify(answer: unknown, about: About, provider: string): Verified | undefined {
  const read = hubRequests.liability.result.safeParse(answer)
  if (!read.success) return undefined
  const { liabilities, proof } = read.data
  return {
    liabilities,
    proof: proof ?? undefined,
    isTheirs: proof?.leaf.provider === address(provider),
    leads: proof !== null && provesSum(proof, liabilities.root, liabilities.sum),
    isSigned: liabilities.hub === address(about.hub) && signerOf(liabilities, about) === liabilities.hub,
  }
}

/** Who signed a publication for these contracts; undefined where the signature is none. */
function signerOf(
  { signature, ...liabilities }: Document<'Liabilities'> & { readonly signature: Hex },
  { chainId, channels }: About,
): string | undefined {
  const fields = Object.entries(documents.Liabilities.fields)
  const types = { Liabilities: fields.map(([name, type]) => ({ name, type: solidityType(type) })) }
  const domain = { name: 'Pontage', version: '1', chainId, verifyingContract: channels }
  try {
    return recoverAddress(TypedDataEncoder.hash(domain, types, liabilities), signature).toLowerCase()
  } catch {
    return undefined
  }
}
