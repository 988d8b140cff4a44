import { randomBytes } from 'node:crypto'
import { type Address, explain, type Signed, systemClock } from '@pontage/shared'
import {
  connectLink,
  createIdentity,
  type Log,
  PrivateKey,
  type TypedData,
  UserError,
} from '@pontage/shared/node'
import type { Quality } from '../../core/quality.js'

/** What a hub says of the market. */
export interface HubIndex {
  readonly proposals: readonly Signed<'Proposal'>[]
  readonly quality: ReadonlyMap<Address, Quality>
}

/** A hub that always has another page is not read for ever. */
const maxPages = 1_000
const pageSize = 100

/**
 * Reads all pages of a hub's list, under a key made for this one question: who asks need not say who it is. Nothing
 * in the list is relied on: offers have to be held against the chain, and what is said of quality is the hub's word.
 *
 * @param hub - Its url, as the registry names it, and its address where that is known.
 * @throws UserError when it does not answer.
 */
export async function readHubIndex(
  typedData: TypedData,
  hub: { url: string; address?: Address },
  log: Log,
): Promise<HubIndex> {
  const identity = createIdentity(new PrivateKey(randomBytes(32).toString('hex')))
  const refused = (reason: string) =>
    new UserError(
      `The index at ${hub.url} cannot be used: ${reason} Leave out --index to read the chain itself.`,
    )
  const connected = await connectLink({
    url: hub.url,
    self: { identity, typedData, clock: systemClock },
    ...(hub.address === undefined ? {} : { expectPeer: hub.address }),
    handlers: {},
    log,
  })
  if (!connected.ok) throw refused(explain(connected.refusal))
  const { link } = connected
  try {
    const proposals: Signed<'Proposal'>[] = []
    const quality = new Map<Address, Quality>()
    let cursor: string | undefined
    for (let page = 0; page < maxPages; page++) {
      const asked = cursor === undefined ? { limit: pageSize } : { limit: pageSize, cursor }
      const answer = await link.request('proposals', asked)
      if (!answer.ok) throw refused(explain(answer.refusal))
      for (const each of answer.value.proposals) {
        proposals.push(each.proposal)
        quality.set(each.proposal.provider, each.quality)
      }
      cursor = answer.value.next
      if (cursor === undefined) break
    }
    return { proposals, quality }
  } finally {
    link.close()
  }
}
