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
  if (allowance >= amount) return
  const approve = chain.token.approve
  if (allowance > 0n && !(await wouldTake(approve.staticCall(spender, amount, { from: owner }))))
    await sender.send(approve.populateTransaction(spender, 0n))
  await sender.send(approve.populateTransaction(spender, amount))
}

/** Some tokens change an allowance only by way of zero; some answer nothing, which is a yes. */
const wouldTake = (call: Promise<unknown>): Promise<boolean> =>
  call.then(
    () => true,
    (error: { code?: string }) => {
      if (error.code !== 'BAD_DATA' && error.code !== 'CALL_EXCEPTION') throw error
      return error.code === 'BAD_DATA'
    },
  )
