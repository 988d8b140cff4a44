import {
  bytes32,
  type ChannelParties,
  concludeArguments,
  finalState,
  type Hex,
  type Result,
} from '@pontage/shared'
import { inChunks, intentOf, readChannel } from '@pontage/shared/node'
import type { Closing } from '../../io/ledger.js'
import type { Components } from '../components.js'

/** The part of a final state that its consumer signs and knows. */
export const conclusionOf = ({
  turnNum,
  totals,
  releases,
}: Pick<Closing, 'turnNum'> & {
  totals: readonly object[]
  releases: readonly object[]
}): Result<'close-draft'> => ({ turnNum, totals, releases }) as Result<'close-draft'>

/**
 * Brings a recorded final state onto the chain, unless it stands there already.
 *
 * @returns Hash of the transaction that concluded the channel.
 */
export async function sendConclusion(
  components: Components,
  channelId: Hex,
  channel: ChannelParties,
): Promise<Hex> {
  const { ledger, chain, sender, watch, log } = components
  const closing = await ledger.closing(channelId)
  if (!closing) throw new Error(`No final state of channel ${channelId} was recorded.`)
  if (await isClosed(components, channelId)) return concludedBy(components, channelId)
  const signatures = { consumer: closing.consumerSignature, hub: closing.hubSignature }
  const state = finalState(chain.deployment, channel, closing)
  const sent = await sender.send(
    chain.channels.conclude.populateTransaction(...concludeArguments(state, closing.releases, signatures)),
    intentOf('conclude', channelId),
  )
  log.info('concluded', { channelId, transaction: sent.transaction, gasUsed: sent.gasUsed })
  await watch.catchUp().catch(() => undefined) // The transaction stands whether it is seen at once or later.
  return sent.transaction
}

/** Whether the newest block shows a channel as closed. */
export const isClosed = async ({ chain }: Components, channelId: Hex): Promise<boolean> =>
  (await readChannel(chain, channelId)).status === 'closed'

/** The transaction that closed a channel, read from its event. */
async function concludedBy({ chain }: Components, channelId: Hex): Promise<Hex> {
  const { channels, deployment, rpc } = chain
  const topics = channels.interface.encodeFilterTopics('ChannelConcluded', [channelId])
  const head = await rpc.getBlockNumber()
  const logs = inChunks(deployment.fromBlock, head, (fromBlock, toBlock) =>
    rpc.getLogs({ address: deployment.channels, topics, fromBlock, toBlock }),
  )
  for await (const entry of logs) return bytes32(entry.transactionHash)
  throw new Error(`Channel ${channelId} is closed, but its conclusion was not found on chain.`)
}
