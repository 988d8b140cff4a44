import type { Hex } from '@pontage/shared'
import { type Chain, UserError } from '@pontage/shared/node'
import type { TransactionReceipt } from 'ethers'

const patienceMs = 300_000

/**
 * Waits until a transaction that somebody else sent stands in a block, and `confirmations` more follow it.
 *
 * @throws UserError when it was reverted, or is in no block in time.
 */
export async function awaitConfirmed(
  chain: Chain,
  transaction: Hex,
  confirmations = 0,
): Promise<TransactionReceipt> {
  const receipt = await chain.rpc
    .waitForTransaction(transaction, confirmations + 1, patienceMs)
    .catch((cause) => {
      throw new UserError(
        `Transaction ${transaction} is in no block after ${patienceMs / 1_000} s. It may still be mined: check "pontage channel status" before you repeat it.`,
        { cause },
      )
    })
  if (receipt?.status !== 1)
    throw new UserError(`The chain reverted transaction ${transaction}. Nothing changed; try again.`)
  return receipt
}
