import type { Params, RequestType } from '@pontage/shared'

/**
 * What requests cost the hub, in those of the usual kind, of which it answers a few thousand a second: their
 * signatures, what they ask of the chain, and what they leave on its disk.
 */
const costs: { readonly [Type in RequestType]?: (params: Params<Type>) => number } = {
  clear: ({ promises }) => 1 + promises.length / 50,
  receipts: ({ receipts }) => 1 + receipts.length / 5,
  recall: ({ guarantees, cleared = [] }) => 2 + (guarantees.length + cleared.length) / 10,
  conclude: ({ totals, releases }) => 5 + (totals.length + releases.length) / 5,
  guarantee: () => 3,
  proposals: ({ limit = 50 }) => 1 + limit / 25,
  prefund: () => 10,
  'close-draft': () => 10,
  'relay-register': () => 25,
  'relay-open': () => 25,
  'relay-exit': () => 25,
  'relay-finish': () => 25,
  'relay-deposit': () => 25,
  'relay-repay': () => 25,
  'relay-unbond': () => 25,
  'relay-withdraw': () => 25,
  'relay-collect': () => 25,
}

/** Offers on one page at most. */
const maxListed = 100

/**
 * The same of pages, which need no connection that was introduced: what their lists take to be written, and a publication
 * that is not among the newest to be read.
 */
const pageCosts: Readonly<Record<string, (query: URLSearchParams) => number>> = {
  '/proposals': (query) => {
    const limit = Number(query.get('limit') ?? 50)
    // What is no limit is refused; until then it counts as the largest.
    return 1 + (limit >= 1 && limit <= maxListed ? limit : maxListed) / 5
  },
  '/liabilities': (query) => (query.has('root') ? 400 : 5),
  '/liabilities/leaf': () => 2,
}

/** What a page costs, in requests of the usual kind. */
export const pageCostOf = (path: string, query: URLSearchParams): number =>
  (Object.hasOwn(pageCosts, path) && pageCosts[path]?.(query)) || 1

/** What a request costs, in those of the usual kind. */
export const costOf = (type: RequestType, params: unknown): number =>
  (costs[type] as ((params: unknown) => number) | undefined)?.(params) ?? 1
