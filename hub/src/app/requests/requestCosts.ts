import type { Params, RequestType } from '@pontage/shared'

/**
 * What requests cost the hub, in those of the usual kind, of which it answers a few thousand a second: their
 * signatures, what they ask of the chain, and what they leave on its disk.
 */
const costs: { readonly [Type in RequestType]?: (params: Params<Type>) => number } = {
  clear: ({ promises }) => 1 + promises.length / 50,
  receipts: ({ receipts }) => 1 + receipts.length / 5,
  recall: ({ guarantees }) => 2 + guarantees.length / 10,
  conclude: ({ totals, releases }) => 5 + (totals.length + releases.length) / 5,
  guarantee: () => 3,
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

export const costOf = (type: RequestType, params: unknown): number =>
  (costs[type] as ((params: unknown) => number) | undefined)?.(params) ?? 1
