import { type Address, type Hex, type Wei, wei } from '@pontage/shared'
import {
  approveAtLeast,
  type Chain,
  createSender,
  readStanding,
  readTabs,
  UserError,
} from '@pontage/shared/node'
import { type OwnChannel, readChannels, readProviders } from '../../io/chain/channelReader.js'
import type { Context } from '../context.js'
import { type RelayWishes, relayTimeoutMs, type SentFor, sendOrRelay } from '../hub/relayed.js'

/** What a promise lacked that neither channel nor stake could pay. */
export interface Debt {
  readonly channel: OwnChannel
  readonly provider: Address
  readonly missing: Wei
}

/** Everything a consumer owes, provider by provider. Only a protest makes a debt of a consumer's. */
export async function readDebts(home: string, chain: Chain, consumer: Address): Promise<Debt[]> {
  if ((await readStanding(chain, consumer)).debt === 0n) return []
  const debts: Debt[] = []
  for (const channel of await readChannels(home, chain, consumer)) {
    const providers = await readProviders(chain, 'ProtestOpened', channel.channelId)
    const tabs = await readTabs(chain, channel.channelId, providers)
    for (const [index, provider] of providers.entries()) {
      const missing = tabs[index]?.missingByConsumer ?? wei(0n)
      if (missing > 0n) debts.push({ channel, provider, missing })
    }
  }
  return debts
}

/**
 * Pays debts, the first found first, as far as `most` reaches: with own gas, or without any through a hub.
 *
 * @param most - Everything when left out.
 * @throws UserError when nothing is owed, tokens are missing, or nobody sends it.
 */
export async function repayDebts(
  context: Context,
  most: Wei | undefined,
  wishes: RelayWishes,
): Promise<{ paid: Wei; transactions: Hex[]; relayFees: Wei }> {
  const { home, chain, identity } = context
  const debts = await readDebts(home, chain, identity.address)
  const owed = wei(debts.reduce((sum, { missing }) => sum + missing, 0n))
  if (owed === 0n) throw new UserError('Nothing is owed.')
  let left = most === undefined || most > owed ? owed : most
  const paid = left
  const transactions: Hex[] = []
  let relayFees = wei(0n)
  for (const { channel, provider, missing } of debts) {
    if (left === 0n) break
    const amount = wei(missing < left ? missing : left)
    const sent = await repay(context, { channel, provider }, amount, wishes)
    transactions.push(sent.transaction)
    relayFees = wei(relayFees + sent.relayFee)
    left = wei(left - amount)
  }
  return { paid, transactions, relayFees }
}

function repay(
  context: Context,
  { channel, provider }: Pick<Debt, 'channel' | 'provider'>,
  amount: Wei,
  wishes: RelayWishes,
): Promise<SentFor> {
  const { chain, identity, typedData } = context
  const { consumer, hub, nonce } = channel
  return sendOrRelay(
    context,
    wishes,
    async () => {
      const sender = createSender(chain, identity)
      await approveAtLeast(chain, sender, consumer, chain.deployment.channels, amount)
      return sender.send(chain.channels.repay.populateTransaction({ consumer, hub, nonce }, provider, amount))
    },
    {
      ...{ kind: 'repay', name: 'repayment', spends: amount, hub },
      ask: (link, terms, permit) => {
        const document = { consumer, hub, channelNonce: nonce, provider, amount, ...terms }
        const repayment = typedData.signed('Repayment', document, identity.privateKey)
        return link.request('relay-repay', { repayment, permit }, relayTimeoutMs)
      },
    },
  )
}
