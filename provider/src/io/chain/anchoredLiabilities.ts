import { type Address, address, bytes32, type Hex } from '@pontage/shared'
import { type Chain, inChunks } from '@pontage/shared/node'
import type { Anchored } from '../../core/leafCheck.js'

export type AnchoredRoot = Anchored & { readonly root: Hex }

/** What these hubs anchored in these blocks, the oldest first. */
export async function readAnchored(
  { channels, rpc, deployment }: Chain,
  hubs: readonly Address[],
  from: number,
  to: number,
): Promise<AnchoredRoot[]> {
  if (hubs.length === 0) return []
  const { topicHash } = channels.interface.getEvent('LiabilitiesAnchored')
  const topics = [topicHash, hubs.map((hub) => `0x${hub.slice(2).padStart(64, '0')}`)]
  const found: AnchoredRoot[] = []
  const logs = inChunks(from, to, (fromBlock, toBlock) =>
    rpc.getLogs({ address: deployment.channels, topics, fromBlock, toBlock }),
  )
  for await (const log of logs) {
    const event = channels.interface.parseLog(log)
    if (event)
      found.push({
        hub: address(event.args.hub),
        root: bytes32(event.args.root),
        sum: event.args.sum,
        pool: event.args.pool,
        blockNumber: Number(event.args.blockNumber),
      })
  }
  return found
}
