import type { Document } from '@pontage/shared'
import type { Chain } from '@pontage/shared/node'
import type { Components } from '../components.js'

/** The transaction that put a root on chain. */
export interface Anchor {
  readonly transaction: string
  readonly blockNumber: number
}

/** Milliseconds before one that was not found is looked for again: anybody may ask, and each look asks the chain. */
const againAfterMs = 5_000
/** Publications of which it is remembered: more than leaves are shown of. */
const kept = 8

type Liabilities = Document<'Liabilities'>

/** The event by which a hub anchored exactly this; undefined where the chain has none. */
export async function findAnchor(chain: Chain, published: Liabilities): Promise<Anchor | undefined> {
  const { hub, blockNumber } = published
  const { LiabilitiesAnchored } = chain.channels.filters
  const found = await chain.channels.queryFilter(LiabilitiesAnchored(hub), blockNumber)
  const anchored = found.find(
    ({ args }) =>
      (['root', 'sum', 'pool'] as const).every((field) => args[field] === published[field]) &&
      Number(args.blockNumber) === blockNumber,
  )
  return anchored && { transaction: anchored.transactionHash, blockNumber: anchored.blockNumber }
}

/** Where publications are anchored. @returns null while it is not seen on chain, or the chain is not reachable */
export function createAnchors({
  chain,
  clock,
  log,
}: Components): (published: Liabilities) => Promise<Anchor | null> {
  const known = new Map<string, Looked>()
  return (published) => {
    const key = `${published.root} ${published.blockNumber}`
    const before = known.get(key)
    if (before && (before.isFound || clock.elapsedMs() - before.atMs < againAfterMs)) return before.anchor
    const looked: Looked = { anchor: look(), atMs: clock.elapsedMs(), isFound: false }
    async function look(): Promise<Anchor | null> {
      try {
        const anchor = await findAnchor(chain, published)
        looked.isFound = anchor !== undefined
        return anchor ?? null
      } catch (error) {
        log.debug('anchor not readable', { reason: (error as Error).message.slice(0, 200) })
        return null
      }
    }
    known.delete(key)
    known.set(key, looked)
    for (const old of [...known.keys()].slice(0, -kept)) known.delete(old)
    return looked.anchor
  }
}

interface Looked {
  readonly anchor: Promise<Anchor | null>
  readonly atMs: number
  isFound: boolean
}
