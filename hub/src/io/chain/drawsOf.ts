import { type Address, address, bytes32, type Hex, wei } from '@pontage/shared'
import { type Chain, inChunks } from '@pontage/shared/node'
import type { Log } from 'ethers'
import type { Draw } from '../../core/hubEarnings.js'

/** Channels asked about in one question. */
const channelsInQuestion = 200

/** Every draw from a hub's channels, as the chain has it, the oldest first. @throws when the chain does not answer */
export async function drawsOf(chain: Chain, hub: Address): Promise<Draw[]> {
  const { channels } = chain
  const { number: to } = await chain.head()
  const opened = await logsOf(
    chain,
    channels.interface.encodeFilterTopics('ChannelOpened', [null, null, hub]),
    to,
  )
  const ids = opened.map(({ topics }) => bytes32(topics[1] ?? ''))
  const draws: (Omit<Draw, 'at'> & { readonly block: number })[] = []
  for (let from = 0; from < ids.length; from += channelsInQuestion) {
    const some: Hex[] = ids.slice(from, from + channelsInQuestion)
    for (const log of await logsOf(chain, channels.interface.encodeFilterTopics('Drawn', [some]), to)) {
      const event = channels.interface.parseLog({ topics: [...log.topics], data: log.data })
      if (!event) continue
      const { channelId, provider, amount, fee } = event.args
      draws.push({
        ...{ channelId: bytes32(channelId), provider: address(provider) },
        ...{ amount: wei(amount), fee: wei(fee), block: log.blockNumber },
      })
    }
  }
  const times = new Map<number, number>()
  for (const { block } of draws)
    if (!times.has(block)) times.set(block, (await chain.rpc.getBlock(block))?.timestamp ?? 0)
  return draws
    .sort((a, b) => a.block - b.block)
    .map(({ block, ...draw }) => ({ ...draw, at: times.get(block) ?? 0 }))
}

async function logsOf(
  { rpc, deployment }: Chain,
  topics: (string | string[] | null)[],
  to: number,
): Promise<Log[]> {
  const query = { address: deployment.channels, topics }
  const logs = inChunks(deployment.fromBlock, to, (fromBlock, toBlock) =>
    rpc.getLogs({ ...query, fromBlock, toBlock }),
  )
  const found: Log[] = []
  for await (const log of logs) found.push(log)
  return found
}
