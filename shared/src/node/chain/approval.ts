import type { Address, Wei } from '../../units.js'
import { UserError } from '../program/userError.js'
import { inTokens } from '../report/print.js'
import type { Chain } from './chain.js'
import type { Sender } from './sender.js'

/**
 * Lets a contract take `amount` of the owner's tokens, unless it may already.
 *
 * @throws UserError when the owner has less than that.
 */
export async function approveAtLeast(
  chain: Chain,
  sender: Sender,
  owner: Address,
  spender: Address,
  amount: Wei,
): Promise<void> {
  const [balance, allowance] = await Promise.all([
    chain.token.balanceOf(owner),
    chain.token.allowance(owner, spender),
  ])
  if (balance < amount)
    throw new UserError(
      `${owner} has ${inTokens(chain, balance)}, but ${inTokens(chain, amount)} is needed. Send it tokens, or choose a smaller amount.`,
    )
  if (allowance < amount) await sender.send(chain.token.approve.populateTransaction(spender, amount))
}
