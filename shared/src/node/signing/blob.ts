import { type Address, address, type Hex, type Wei, wei } from '../../units.js'

// How amounts and ids lie in a store: big-endian bytes, whose order is the order of the numbers.

/** 32 bytes of an amount. */
export const amountBlob = (amount: bigint): Buffer =>
  Buffer.from(amount.toString(16).padStart(64, '0'), 'hex')

export const amountFrom = (blob: Buffer): Wei => wei(BigInt(`0x${blob.toString('hex')}`))

/** The bytes of an id, an address or a signature. */
export const hexBlob = (hex: Hex): Buffer => Buffer.from(hex.slice(2), 'hex')

export const hexFrom = (blob: Buffer): Hex => `0x${blob.toString('hex')}`

export const addressFrom = (blob: Buffer): Address => address(hexFrom(blob))
