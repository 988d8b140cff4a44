import {
  address,
  bytes32,
  type Document,
  encodeMessage,
  explain,
  type Hex,
  refuse,
  type Verdict,
} from '@pontage/shared'
import type { Chain } from '@pontage/shared/node'
import type { Publication } from '../../io/ledger.js'
import type { HttpAnswer, HttpRoute } from '../../io/link/httpRoutes.js'
import type { Anchor } from './anchors.js'
import type { Publisher } from './publisher.js'

/** `GET /liabilities?root=…&block=…`: everything the hub said it owes, the newest without root and block. */
export const liabilitiesRoute = (chain: Chain, publisher: Publisher): HttpRoute => {
  const written = new WeakMap<Publication, Buffer>()
  /** As it is sent: written once, and held once, however many ask and do not read. */
  const textOf = (publication: Publication): Buffer => {
    const text = written.get(publication) ?? Buffer.from(`${encodeMessage(wholeOf(chain, publication))}\n`)
    written.set(publication, text)
    return text
  }
  return async (query) => {
    const asked = readQuery(query, ['root', 'block'])
    if (!asked.ok) return refused(asked)
    const found = await publisher.whole(asked.of)
    if (!found.ok) return refused(found)
    return { status: 200, body: textOf(found.publication), contentType: 'application/json' }
  }
}

/** `GET /liabilities/leaf?provider=…`: one leaf, the way from it to the root, and where the root is anchored. */
export const leafRoute =
  (publisher: Publisher, anchorOf: (published: Liabilities) => Promise<Anchor | null>): HttpRoute =>
  async (query) => {
    const asked = readQuery(query, ['provider', 'root', 'block'])
    if (!asked.ok) return refused(asked)
    if (asked.provider === undefined) return refused(malformed('provider: expected an address'))
    const found = await publisher.liability({ provider: asked.provider, ...asked.of })
    if (!found.ok) return refused(found)
    const anchor = await anchorOf(found.value.liabilities)
    return { status: 200, body: { ...found.value, anchor } }
  }

type Liabilities = Document<'Liabilities'>

/** As it is published, and as `pontage-hub liabilities verify` reads it. */
const wholeOf = (chain: Chain, { liabilities, leaves, publishedAt }: Publication) => ({
  chainId: chain.deployment.chainId,
  channels: chain.deployment.channels,
  publishedAt,
  liabilities,
  leaves,
})

const malformed = (problem: string) => refuse({ code: 'malformed-message', type: 'liabilities', problem })

const refused = (verdict: Verdict): HttpAnswer => {
  if (verdict.ok) throw new Error('Nothing was refused.')
  const status = { 'unknown-publication': 404, 'hub-recovering': 503 }[verdict.refusal.code as string] ?? 400
  return { status, body: { error: explain(verdict.refusal) } }
}

function readQuery(query: URLSearchParams, names: readonly string[]) {
  for (const name of query.keys())
    if (!names.includes(name))
      return malformed(`"${name.slice(0, 40)}" is not a parameter of this page: ${names.join(', ')}`)
  const [provider, root, block] = ['provider', 'root', 'block'].map((name) => query.get(name) ?? undefined)
  if ((root === undefined) !== (block === undefined)) return malformed('root and block go together')
  try {
    const of =
      root === undefined ? undefined : { root: bytes32(root) as Hex, blockNumber: wholeNumber(block ?? '') }
    return { ok: true as const, of, provider: provider === undefined ? undefined : address(provider) }
  } catch (error) {
    return malformed((error as Error).message)
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new RangeError('block: expected a whole number')
  return Number(text)
}
