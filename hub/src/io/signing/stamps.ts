import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Address, ClearedPromise, Deployment, Hex, PromiseFrame } from '@pontage/shared'
import type { PrivateKey } from '@pontage/shared/node'

/** A promise, and whom it was signed for. */
type ForProvider<Promised> = Promised & { readonly provider: Address }

/**
 * The hub's marks on promises that it cleared (docs/protocol.md). Each stands for one promise, byte for byte, so that its
 * signature needs no second look.
 */
export interface Stamps {
  of(promise: ForProvider<PromiseFrame>): Hex
  isOurs(promise: ForProvider<ClearedPromise>): boolean
}

/** Every process of a hub makes the same stamps, and knows those of every other. */
export function createStamps(privateKey: PrivateKey, { chainId, channels }: Deployment): Stamps {
  const key = Buffer.from(
    hkdfSync('sha256', privateKey.bytes(), `${chainId} ${channels}`, 'Pontage stamp', 32),
  )
  const stamp = ({ channelId, provider, amount, signature }: ForProvider<PromiseFrame>): Buffer =>
    createHmac('sha256', key)
      .update(bytesOf(channelId))
      .update(bytesOf(provider))
      .update(bytesOf(`0x${amount.toString(16).padStart(64, '0')}`))
      .update(bytesOf(signature))
      .digest()
  return {
    of: (promise) => `0x${stamp(promise).toString('hex')}`,
    isOurs(promise) {
      const shown = bytesOf(promise.stamp)
      const ours = stamp(promise)
      return shown.length === ours.length && timingSafeEqual(shown, ours)
    },
  }
}

const bytesOf = (hex: Hex): Buffer => Buffer.from(hex.slice(2).toLowerCase(), 'hex')
