import { type Address, address, type ChannelParties, type DocumentName, type Hex } from '@pontage/shared'
import type { Result } from 'ethers'
import { documents } from './contracts.js'

export const nobody = `0x${'00'.repeat(20)}` as Address

export const who = (value: unknown): Address => address(String(value))
export const many = (value: unknown): Result[] => [...(value as Iterable<Result>)]
export const partiesOf = (raw: Result): ChannelParties => ({
  consumer: who(raw.consumer),
  hub: who(raw.hub),
  nonce: Number(raw.nonce),
})

/** Who signed a document; nobody when it is malformed, so that no rule accepts it. */
export const signerOf = (name: DocumentName, document: object, signature: string): Address =>
  documents.recover(name, document as never, signature as Hex) ?? nobody
