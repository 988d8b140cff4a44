import { type Address, type Hex, type Wei, wei } from '@pontage/shared'

// How amounts and ids cross the border of a store: 32 bytes big-endian, whose order is the order of the numbers.

export const amountText = (amount: bigint): Hex => `0x${amount.toString(16).padStart(64, '0')}`
export const amountOf = (text: unknown): Wei => wei(BigInt(text as string))
export const hexOf = (text: unknown): Hex => text as Hex
/** What is in the ledger was checked on its way in. */
export const addressOf = (text: unknown): Address => text as Address

export const nothing = wei(0n)

/** Hexadecimal digits of an amount, zero for nothing: an index by them is rarely rewritten while an amount grows. */
export const sizeOf = (amount: bigint): number => (amount === 0n ? 0 : amount.toString(16).length)
