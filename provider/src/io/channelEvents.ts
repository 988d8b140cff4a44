import { type Address, address, type Hex } from '@pontage/shared'
import { type Chain, inChunks } from '@pontage/shared/node'

/** Something on chain that ends a channel. */
export interface ChannelEnding {
  readonly kind: 'exit-requested' | 'closed'
  readonly channelId: Hex
}

/** Channels that began to end, or ended, in these blocks. */
export async function readEndings(chain: Chain, from: number, to: number): Promise<ChannelEnding[]> {
  const { channels } = chain
  const topic = (name: 'ExitRequested' | 'ChannelConcluded' | 'ChannelExited') =>
    channels.interface.getEvent(name).topicHash
  const requested = topic('ExitRequested')
  const topics = [[requested, topic('ChannelConcluded'), topic('ChannelExited')]]
  const endings: ChannelEnding[] = []
  const logs = inChunks(from, to, (fromBlock, toBlock) =>
    chain.rpc.getLogs({ address: chain.deployment.channels, topics, fromBlock, toBlock }),
  )
  for await (const log of logs)
    endings.push({
      kind: log.topics[0] === requested ? 'exit-requested' : 'closed',
      channelId: (log.topics[1] ?? '0x') as Hex,
    })
  return endings
}

/** What a transaction's logs say was paid to us, and drawn for us. */
export function readPayments(
  chain: Chain,
  logs: readonly { readonly topics: readonly string[]; readonly data: string }[],
  provider: Address,
): { readonly redeemed: bigint; readonly paid: bigint | undefined; readonly drawn: bigint } {
  let redeemed = 0n
  let drawn = 0n
  let paid: bigint | undefined
  for (const { topics, data } of logs) {
    const event = chain.channels.interface.parseLog({ topics: [...topics], data })
    if (!event || !['Redeemed', 'Drawn'].includes(event.name)) continue
    if (address(event.args.provider) !== provider) continue
    if (event.name === 'Drawn') drawn += event.args.amount
    else {
      redeemed += event.args.amount
      paid = event.args.paid
    }
  }
  return { redeemed, paid, drawn }
}
