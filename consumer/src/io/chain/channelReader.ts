import { type Address, address, bytes32, type Hex, type Wei, wei } from '@pontage/shared'
import { type Chain, inChunks, readChannel, readTabs } from '@pontage/shared/node'
import { newestLogs } from './logCache.js'

/** A channel of ours as it opened. */
export interface OpenedChannel {
  readonly channelId: Hex
  readonly consumer: Address
  readonly hub: Address
  readonly nonce: number
  /** What it opened with. */
  readonly deposit: Wei
}

/** A channel of ours as the chain has it now. */
export interface OwnChannel extends OpenedChannel {
  readonly status: 'open' | 'closed'
  readonly balance: Wei
  /** When the exit ends; zero when none was requested. */
  readonly exitAt: number
  readonly openProtests: number
}

/**
 * Every channel that this consumer ever opened, the newest last: the chain remembers what a lost disk forgot.
 * What was read before is remembered in the home.
 */
export async function readChannels(home: string, chain: Chain, consumer: Address): Promise<OwnChannel[]> {
  const opened = await readOpened(home, chain, consumer)
  return Promise.all(opened.map((channel) => asItStands(chain, channel)))
}

/** The same channels, as they opened. */
export async function readOpened(home: string, chain: Chain, consumer: Address): Promise<OpenedChannel[]> {
  const { channels, deployment } = chain
  const topics = channels.interface.encodeFilterTopics('ChannelOpened', [null, consumer])
  const logs = await newestLogs(home, chain, { name: 'channels', contract: deployment.channels, topics })
  return logs.flatMap(({ topics, data }) => {
    const event = channels.interface.parseLog({ topics: [...topics], data })
    if (!event) return []
    const { channelId, hub, nonce, amount } = event.args
    return [
      {
        channelId: bytes32(channelId),
        consumer,
        hub: address(hub),
        nonce: Number(nonce),
        deposit: wei(amount),
      },
    ]
  })
}

export async function asItStands(chain: Chain, channel: OpenedChannel): Promise<OwnChannel> {
  const view = await readChannel(chain, channel.channelId)
  return { ...channel, ...view, status: view.status === 'open' ? 'open' : 'closed' }
}

/** What was drawn for each of these providers out of a channel, in their order. */
export async function readDrawn(
  chain: Chain,
  channelId: Hex,
  providers: readonly Address[],
): Promise<readonly Wei[]> {
  return (await readTabs(chain, channelId, providers)).map(({ drawn }) => drawn)
}

/** Providers that such an event of this channel ever named. */
export async function readProviders(
  { rpc, channels, deployment, head }: Chain,
  event: 'Drawn' | 'ProtestOpened',
  channelId: Hex,
): Promise<Address[]> {
  const topics = channels.interface.encodeFilterTopics(event as 'Drawn', [channelId])
  const { number: newest } = await head()
  const found = new Set<Address>()
  for await (const log of inChunks(deployment.fromBlock, newest, (fromBlock, toBlock) =>
    rpc.getLogs({ address: deployment.channels, topics, fromBlock, toBlock }),
  ))
    found.add(address(`0x${log.topics[2]?.slice(26)}`))
  return [...found]
}
