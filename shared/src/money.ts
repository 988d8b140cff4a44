/**
 * The money rules of docs/protocol.md as a pure model: who holds what, and what each operation does to it. It is a
 * second opinion on the contracts, kept in other terms than theirs on purpose: debts and counts are derived here
 * from totals, where the contracts keep books of them.
 */

export * from './money/move.js'
export * from './money/operation.js'
export * from './money/play.js'
export * from './money/standing.js'
export * from './money/state.js'
export { type Cast, diceOf } from './money/table.js'
