import type { Hex, Wei } from '@pontage/shared'
import { approveAtLeast, createSender, readChannel, UserError } from '@pontage/shared/node'
import type { OwnChannel } from '../../io/chain/channelReader.js'
import type { Context } from '../context.js'

/**
 * Adds to what a channel holds. A deposit has no form that somebody else could send: the tokens would have to pass
 * through their hands.
 *
 * @throws UserError without tokens, without coin for gas, or when the channel is on its way out.
 */
export async function topUp(
  { chain, identity }: Context,
  { channelId, consumer, hub, nonce, exitAt }: OwnChannel,
  amount: Wei,
): Promise<{ channelId: Hex; transaction: Hex; balance: Wei }> {
  if (amount === 0n) throw new UserError('There is nothing to add: give an --amount above 0.')
  if (exitAt > 0)
    throw new UserError(`Channel ${channelId} is being closed. Open another with "pontage channel open".`)
  if ((await chain.rpc.getBalance(identity.address)) === 0n)
    throw new UserError(
      `Adding to a channel costs gas, and ${identity.address} has none of the chain’s coin. Send it some, or open another channel, which needs no gas: "pontage channel open --hub ${hub} --amount TOKENS".`,
    )
  const sender = createSender(chain, identity)
  await approveAtLeast(chain, sender, identity.address, chain.deployment.channels, amount)
  const { transaction } = await sender.send(
    chain.channels.deposit.populateTransaction({ consumer, hub, nonce }, amount),
  )
  return { channelId, transaction, balance: (await readChannel(chain, channelId)).balance }
}
