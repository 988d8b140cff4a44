import { isCallException } from 'ethers'
import type { Chain } from './chain.js'

/** Said of a transaction that is in a block and changed nothing. */
export const revertedReason =
  'The chain reverted the transaction, though it would have taken it a moment before. Look at what stands now, and repeat it if it is still wanted.'

/** Why the chain refuses: the contract's own error with its arguments, as a sentence's end. */
export function reasonOf(chain: Chain, error: unknown): string {
  if (isCallException(error)) {
    const { data } = error
    // A contract that does not know the function says nothing at all.
    if (data && data !== '0x') {
      for (const contract of [chain.channels, chain.registry, chain.marketplace, chain.token]) {
        const parsed = contract.interface.parseError(data)
        if (!parsed) continue
        const values = parsed.fragment.inputs.map((input, index) => `${input.name} ${parsed.args[index]}`)
        return `The contract refused: ${parsed.name}${values.length > 0 ? ` (${values.join(', ')})` : ''}.`
      }
    }
    return `The chain refused: ${error.reason ?? error.shortMessage}.`
  }
  const { code, account, transaction } = error as {
    code?: string
    account?: string
    transaction?: { from?: string }
  }
  if (code === 'INSUFFICIENT_FUNDS')
    return `The account ${account ?? transaction?.from ?? 'that pays'} has too little of the chain’s coin for gas. Send it some.`
  if (code === 'TIMEOUT')
    return 'The transaction is not in a block yet. It may still come; look again before repeating.'
  return error instanceof Error ? error.message : String(error)
}
