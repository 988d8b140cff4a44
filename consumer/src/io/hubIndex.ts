import { type Address, type Result, requests, type Signed } from '@pontage/shared'
import { type Chain, UserError } from '@pontage/shared/node'
import type { Quality } from '../core/quality.js'

/** What a hub says of the market. Who asks need not say who it is. */
export interface HubIndex {
  readonly proposals: readonly Signed<'Proposal'>[]
  readonly quality: ReadonlyMap<Address, Quality>
}

const answerTimeoutMs = 15_000
/** A hub that always has another page is not read for ever. */
const mostPages = 1_000
const pageSize = 100

/**
 * Reads all pages of a hub's list. Nothing in it is relied on: offers have to be held against the chain, and what
 * is said of quality is the hub's word.
 *
 * @param url - The hub's, as the registry names it.
 * @throws UserError when it does not answer, or has the offers of another deployment.
 */
export async function readHubIndex(chain: Chain, url: string): Promise<HubIndex> {
  const proposals: Signed<'Proposal'>[] = []
  const quality = new Map<Address, Quality>()
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page++) {
    const answer = await readPage(chain, url, cursor)
    for (const each of answer.proposals) {
      proposals.push(each.proposal)
      quality.set(each.proposal.provider, each.quality)
    }
    cursor = answer.next
    if (cursor === undefined) break
  }
  return { proposals, quality }
}

async function readPage(chain: Chain, hub: string, cursor: string | undefined): Promise<Result<'proposals'>> {
  const url = new URL('/proposals', hub.replace(/^ws/, 'http'))
  url.searchParams.set('limit', String(pageSize))
  if (cursor !== undefined) url.searchParams.set('cursor', cursor)
  const refused = (reason: string, cause?: unknown) =>
    new UserError(
      `The index at ${url.origin} cannot be used: ${reason}. Leave --index out to read the chain alone.`,
      { cause },
    )
  let body: unknown
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) })
    body = await response.json()
  } catch (error) {
    const { cause } = error as { cause?: unknown }
    throw refused(cause instanceof Error ? cause.message : (error as Error).message, error)
  }
  const { chainId, marketplace, error } = body as {
    chainId?: unknown
    marketplace?: unknown
    error?: unknown
  }
  if (typeof error === 'string') throw refused(error.replace(/\.$/, ''))
  if (chainId !== chain.deployment.chainId || marketplace !== chain.deployment.marketplace)
    throw refused('it lists the offers of another deployment')
  const page = requests.proposals.result.safeParse(body)
  if (!page.success) throw refused('it does not answer with a list of offers', page.error)
  return page.data
}
