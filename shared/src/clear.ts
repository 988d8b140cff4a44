import type { Signed } from './documents.js'
import type { Hex, Wei } from './units.js'

/** A micro-promise as it travels; the provider is whoever it is sent to. */
export interface PromiseFrame {
  readonly channelId: Hex
  readonly amount: Wei
  readonly signature: Hex
}

/**
 * A promise that a hub cleared, and the hub's stamp on it: 32 bytes by which it knows again what it took, should its ledger
 * forget that. Nobody else can make or check one.
 */
export interface ClearedPromise extends PromiseFrame {
  readonly stamp: Hex
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
  /** The hub's stamps on the promises it took; none for a provider whose program knows of none. */
  readonly stamps: readonly { readonly channelId: Hex; readonly stamp: Hex }[]
}

/** Promises that one clear carries, and guarantees that come back with it. */
export const clearLimit = 1_000
