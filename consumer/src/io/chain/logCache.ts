import { join } from 'node:path'
import { type Chain, inChunks, type KeptLog, kept, type LogQuery, openLogCache } from '@pontage/shared/node'
import { giveToOwner, refuseLink } from '../home/ownership.js'

/**
 * The newest event of each kind up to the newest block. What is confirmed is read once and kept in the home.
 *
 * @param home - Where the cache lies.
 * @param name - Names the file.
 */
export async function newestLogs(
  home: string,
  chain: Chain,
  { name, ...query }: LogQuery & { readonly name: string },
): Promise<KeptLog[]> {
  const { rpc } = chain
  refuseLink(join(home, 'cache'))
  const cache = openLogCache({
    ...{ chain, query, path: join(home, 'cache', `${name}.json`) },
    made: (path) => giveToOwner(home, path),
    progress: (block, of) => process.stderr.write(`Reading the chain: block ${block} of ${of}.\n`),
  })
  const [head, confirmed] = await Promise.all([chain.head(), chain.confirmed()])
  const [found, unconfirmed] = await Promise.all([
    cache.upTo(confirmed),
    collect(
      inChunks(confirmed.number + 1, head.number, (fromBlock, toBlock) =>
        rpc.getLogs({ address: query.contract, topics: query.topics, fromBlock, toBlock }),
      ),
    ),
  ])
  const newest = new Map(found)
  for (const log of unconfirmed) newest.set(log.topics[1] ?? '', kept(log))
  return [...newest.values()]
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = []
  for await (const item of items) found.push(item)
  return found
}
