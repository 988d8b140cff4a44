import type { Address, Hex, Wei } from '@pontage/shared'

/** An amount as 32 big-endian bytes: sorts as the number does, in every engine. */
export const amountBlob = (amount: bigint): Buffer =>
  Buffer.from(amount.toString(16).padStart(64, '0'), 'hex')

export const blobAmount = (blob: Buffer): Wei => BigInt(`0x${blob.toString('hex')}`) as Wei

/** An address, an id or a signature as its bytes. */
export const hexBlob = (hex: Hex): Buffer => Buffer.from(hex.slice(2), 'hex')

export const blobHex = (blob: Buffer): Hex => `0x${blob.toString('hex')}`

export const blobAddress = (blob: Buffer): Address => blobHex(blob) as Address
