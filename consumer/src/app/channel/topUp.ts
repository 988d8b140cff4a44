import type { Hex, Wei } from '@pontage/shared'
import { approveAtLeast, createSender, readChannel, type Sender, UserError } from '@pontage/shared/node'
import type { OwnChannel } from '../../io/chain/channelReader.js'
import type { Context } from '../context.js'
import { type RelayWishes, relayTimeoutMs, type SentFor, sendOrRelay, type Way } from '../hub/relayed.js'

export interface ToppedUp extends SentFor {
  readonly channelId: Hex
  /** What the channel holds now. */
  readonly balance: Wei
}

/** One of several attempts of which at most one takes effect. */
interface Attempt {
  readonly way: Way
  /** Keeps what was sent before under this intent. */
  readonly sender: Sender
  readonly intent: Hex
}

/**
 * Adds to what a channel holds: with own gas, or without any through a hub.
 *
 * @throws UserError without tokens, when nobody sends it, or when the channel is on its way out.
 */
export async function topUp(
  context: Context,
  { channelId, hub, nonce, exitAt }: Pick<OwnChannel, 'channelId' | 'hub' | 'nonce' | 'exitAt'>,
  amount: Wei,
  wishes: RelayWishes,
  attempt?: Attempt,
): Promise<ToppedUp> {
  const { chain, identity, typedData } = context
  const consumer = identity.address
  if (amount === 0n) throw new UserError('There is nothing to add: give an --amount above 0.')
  if (exitAt > 0)
    throw new UserError(`Channel ${channelId} is being closed. Open another with "pontage channel open".`)
  const sent = await sendOrRelay(
    context,
    wishes,
    async () => {
      const { sender, intent } = attempt ?? { sender: createSender(chain, identity), intent: undefined }
      await approveAtLeast(chain, sender, consumer, chain.deployment.channels, amount)
      return sender.send(chain.channels.deposit.populateTransaction({ consumer, hub, nonce }, amount), intent)
    },
    {
      ...{ kind: 'deposit', name: 'deposit', spends: amount, hub },
      ask: (link, terms, permit) => {
        const document = { consumer, hub, channelNonce: nonce, amount, ...terms }
        const deposit = typedData.signed('Deposit', document, identity.privateKey)
        return link.request('relay-deposit', { deposit, permit }, relayTimeoutMs)
      },
    },
    attempt?.way,
  )
  return { channelId, ...sent, balance: (await readChannel(chain, channelId)).balance }
}
