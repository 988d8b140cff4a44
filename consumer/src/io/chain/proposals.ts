import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { address, type Hex, type Signed, weiPerHour, weiPerMegabyte } from '@pontage/shared'
import {
  type Chain,
  type KeptLog,
  proposalFrom,
  type TypedData,
  writeFileDurably,
} from '@pontage/shared/node'
import { giveToOwner } from '../home/ownership.js'
import { newestLogs } from './logCache.js'

/** An offer as it was published. */
export interface Published {
  readonly proposal: Signed<'Proposal'>
  /** From when on its price is in force: Unix seconds. */
  readonly effectiveAt: number
}

/** What events were read as, by block and place in it; null where one is no offer. */
type Read = Readonly<Record<string, Published | null>>

/**
 * The latest offer of each provider that has not withdrawn it, where its signature holds. An event never changes: what
 * it was read as is kept in the home beside it, since reading a thousand takes half a second.
 */
export async function publishedProposals(
  home: string,
  chain: Chain,
  typedData: TypedData,
): Promise<Published[]> {
  const { marketplace, deployment } = chain
  const published = marketplace.getEvent('ProposalPublished').fragment.topicHash
  const withdrawn = marketplace.getEvent('ProposalWithdrawn').fragment.topicHash
  const query = { name: 'proposals', contract: deployment.marketplace, topics: [[published, withdrawn]] }
  const path = join(home, 'cache', 'offers.json')
  const name = `${deployment.chainId} ${deployment.marketplace}`
  const [logs, before] = await Promise.all([newestLogs(home, chain, query), readBefore(path, name)])
  const read = logs.map((log): [string, Published | null] => {
    const key = `${log.blockHash} ${log.index}`
    return [
      key,
      before[key] ?? (key in before ? null : (proposalIn(marketplace.interface, typedData, log) ?? null)),
    ]
  })
  if (read.some(([key]) => !(key in before)))
    await keep(home, path, { name, read: Object.fromEntries(read) }).catch(() => undefined) // It costs time, nothing else.
  return read.flatMap(([, found]) => found ?? [])
}

/** The offer in one event; undefined where there is none. One that cannot be read hides no other. */
export function proposalIn(
  events: Chain['marketplace']['interface'],
  typedData: TypedData,
  log: Pick<KeptLog, 'topics' | 'data'>,
): Published | undefined {
  try {
    const event = events.parseLog({ topics: [...log.topics], data: log.data })
    if (event?.name !== 'ProposalPublished') return undefined
    const provider = address(event.args.provider)
    const signature = event.args.signature.toLowerCase() as Hex
    const proposal = { ...proposalFrom(event.args.proposal), signature }
    // An offer somebody else wrote is no offer.
    return proposal.provider === provider && typedData.check('Proposal', proposal, provider).ok
      ? { proposal, effectiveAt: Number(event.args.effectiveAt) }
      : undefined
  } catch {
    return undefined // Texts that are no UTF-8, or values out of range.
  }
}

/** What is written: whose events, and what they were read as, with amounts as text. */
interface Kept {
  readonly name: string
  readonly read: Read
}

async function readBefore(path: string, name: string): Promise<Read> {
  try {
    const kept = JSON.parse(await readFile(path, 'utf8'), (key, value) =>
      key === 'pricePerMegabyte'
        ? weiPerMegabyte(BigInt(value))
        : key === 'pricePerHour'
          ? weiPerHour(BigInt(value))
          : value,
    ) as Kept
    return kept.name === name ? kept.read : {}
  } catch {
    return {} // None yet, or damaged: the events have it all.
  }
}

async function keep(home: string, path: string, kept: Kept): Promise<void> {
  const text = JSON.stringify(kept, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
  await writeFileDurably(path, text)
  await giveToOwner(home, path)
}
