import { larger } from '../../order.js'

/** What one transaction offers for each unit of gas, in wei of the chain's coin (EIP-1559). */
export interface GasPrice {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** A price no higher than the ceiling; the tip never exceeds the whole. */
export function capped({ maxFeePerGas, maxPriorityFeePerGas }: GasPrice, ceiling: bigint): GasPrice {
  const whole = maxFeePerGas < ceiling ? maxFeePerGas : ceiling
  return {
    maxFeePerGas: whole,
    maxPriorityFeePerGas: maxPriorityFeePerGas < whole ? maxPriorityFeePerGas : whole,
  }
}

/**
 * The price that replaces a transaction: a quarter above what it offered, or the market's if that is more. Nodes take
 * a replacement only when both figures grow by an eighth.
 *
 * @returns undefined when the ceiling leaves no room for a step that nodes accept.
 */
export function raised(before: GasPrice, market: GasPrice, ceiling: bigint): GasPrice | undefined {
  const step = (old: bigint, wanted: bigint): bigint => larger(old + old / 4n + 1n, wanted)
  const price = capped(
    {
      maxFeePerGas: step(before.maxFeePerGas, market.maxFeePerGas),
      maxPriorityFeePerGas: step(before.maxPriorityFeePerGas, market.maxPriorityFeePerGas),
    },
    ceiling,
  )
  const replaces = (old: bigint, now: bigint): boolean => now * 8n >= old * 9n && now > old
  return replaces(before.maxFeePerGas, price.maxFeePerGas) &&
    replaces(before.maxPriorityFeePerGas, price.maxPriorityFeePerGas)
    ? price
    : undefined
}

/**
 * The fields of a transaction that offers this. Where tip and whole are the same, the one price of an old transaction says
 * it too, and is taken by chains without EIP-1559.
 */
export const feeFields = ({ maxFeePerGas, maxPriorityFeePerGas }: GasPrice) =>
  maxFeePerGas === maxPriorityFeePerGas
    ? { type: 0, gasPrice: maxFeePerGas }
    : { type: 2, maxFeePerGas, maxPriorityFeePerGas }
