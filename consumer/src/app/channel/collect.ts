import type { Address, Wei } from '@pontage/shared'
import { createSender, readWithheld, UserError } from '@pontage/shared/node'
import type { Context } from '../context.js'
import { type RelayWishes, relayTimeoutMs, type SentFor, sendOrRelay } from '../hub/relayed.js'

/**
 * Takes what the token refused to pay when a channel closed, to an address that it does not refuse: with own gas, or without
 * any through a hub, whose fee comes out of it.
 *
 * @throws UserError when nothing is withheld, or nobody sends it.
 */
export async function collect(
  context: Context,
  to: Address,
  wishes: RelayWishes,
): Promise<SentFor & { readonly amount: Wei }> {
  const { chain, identity, typedData } = context
  const owner = identity.address
  const { amount, nonce } = await readWithheld(chain, owner)
  if (amount === 0n) throw new UserError('Nothing is withheld: the token paid everything.')
  const sent = await sendOrRelay(
    context,
    wishes,
    () =>
      createSender(chain, identity).send(
        chain.channels.collectWithheld.populateTransaction(owner, to, 0n, 0n, '0x'),
      ),
    {
      ...{ kind: 'collect', name: 'collection', spends: undefined, nonce },
      ask: (link, terms) => {
        const collection = typedData.signed('Collection', { owner, to, ...terms }, identity.privateKey)
        return link.request('relay-collect', { collection }, relayTimeoutMs)
      },
    },
  )
  return { ...sent, amount }
}
