import type { Chain } from './chain.js'
import { capped, type GasPrice } from './gasPrice.js'

/** Tip where the node names none: 1 gwei. */
const usualTip = 10n ** 9n

/**
 * What a transaction has to offer now: twice the base fee, which is also a base fee where it is zero, and a tip. On a
 * chain without base fee (before EIP-1559), the one price of gas is both.
 */
export async function marketPrice(chain: Pick<Chain, 'rpc' | 'maxFeePerGas'>): Promise<GasPrice> {
  const [block, tip] = await Promise.all([
    chain.rpc.getBlock('latest'),
    chain.rpc.send('eth_maxPriorityFeePerGas', []).then(BigInt, () => usualTip),
  ])
  if (block?.baseFeePerGas === undefined || block.baseFeePerGas === null)
    return onePrice(BigInt(await chain.rpc.send('eth_gasPrice', [])), chain.maxFeePerGas)
  return capped(
    { maxFeePerGas: 2n * block.baseFeePerGas + tip, maxPriorityFeePerGas: tip },
    chain.maxFeePerGas,
  )
}

const onePrice = (price: bigint, ceiling: bigint): GasPrice =>
  capped({ maxFeePerGas: price, maxPriorityFeePerGas: price }, ceiling)
