import type { Signed } from './documents.js'
import type { Hex, Wei } from './units.js'

/** A micro-promise as it travels; the provider is whoever it is sent to. */
export interface PromiseFrame {
  readonly channelId: Hex
  readonly amount: Wei
  readonly signature: Hex
}

/** Provider → hub: the latest micro-promise of every channel that moved. */
export interface ClearRequest {
  readonly promises: readonly PromiseFrame[]
}

/**
 * The hub's total covers the promises it took; a refused one is named with its reason. Guarantees come back
 * renewed when past half their life.
 */
export interface ClearAnswer {
  readonly total: Wei
  readonly signature: Hex
  readonly guarantees: readonly Signed<'Guarantee'>[]
  readonly refused: readonly { readonly channelId: Hex; readonly code: string; readonly message: string }[]
}

/** Promises that one clear carries, and guarantees that come back with it. */
export const clearLimit = 1_000
